"""How a run starts and ends: arguments, outcome, modules."""
import json
import time
import zipfile


def test_python_shell_gets_arguments_and_libraries(run, lake):
    lake.put("in.csv", "a,b\n1,x\n2,ñ\n")
    done = run("""
import sys, boto3, pandas as pd
from awsglue.utils import getResolvedOptions
args = getResolvedOptions(sys.argv, ['bucket'])
frame = pd.read_csv(boto3.client('s3').get_object(Bucket=args['bucket'], Key='in.csv')['Body'])
show([frame['a'].sum(), list(frame['b']), sys.argv[1:], __name__])
""", "--bucket", lake.bucket, kind="pythonshell")
    assert done.values() == [["3", ["x", "ñ"], ["--bucket", lake.bucket], "__main__"]]
    assert done.result == {"state": "SUCCEEDED", "error_message": "", "traceback": ""}


def test_pandas_opens_objects_by_address(run, lake):
    lake.put("in/a.csv", "a,b\n1,ñ\n2,x\n")
    done = run(f"""
import pandas as pd
frame = pd.read_csv('s3://{lake.bucket}/in/a.csv')
frame.to_parquet('s3://{lake.bucket}/out/a.parquet')
frame.to_csv('s3://{lake.bucket}/out/a.csv', index=False)
frame.to_json('s3://{lake.bucket}/out/a.json.gz', orient='records', lines=True, compression='gzip', force_ascii=False)
show([list(pd.read_parquet('s3://{lake.bucket}/out/a.parquet')['b']), list(pd.read_json('s3://{lake.bucket}/out/a.json.gz', lines=True)['b'])])
import fsspec
show(sorted(one.rsplit('/', 1)[1] for one in fsspec.filesystem('s3').ls('s3://{lake.bucket}/out', detail=False)))
try:
    pd.read_csv('s3://{lake.bucket}/none.csv')
except FileNotFoundError as error:
    show('none.csv' in str(error))
""", kind="pythonshell")
    assert done.values() == [[["ñ", "x"], ["ñ", "x"]], ["a.csv", "a.json.gz", "a.parquet"], True]
    assert lake.body("out/a.csv").decode() == "a,b\n1,ñ\n2,x\n"


def test_awswrangler(run, lake):
    done = run(f"""
import awswrangler as wr, pandas as pd
wr.s3.to_parquet(pd.DataFrame({{'a': [1, 2], 'fecha': ['x', 'y']}}), path='s3://{lake.bucket}/w/', dataset=True, database='{lake.database}',
                 table='w', partition_cols=['fecha'])
show(sorted(map(int, wr.s3.read_parquet('s3://{lake.bucket}/w/', dataset=True)['a'])))
""", kind="pythonshell")
    assert done.values() == [[1, 2]]


def test_a_failing_script_reports_its_error_and_traceback(run):
    done = run("""
def deep():
    raise ValueError('boom')
deep()
""", kind="pythonshell", fails=True)
    assert done.code == 1
    assert done.result["state"] == "FAILED"
    assert done.result["error_message"] == "ValueError: boom"
    assert "in deep" in done.result["traceback"] and "runpy" not in done.result["traceback"]
    assert done.result["traceback"] in done.err


def test_exits(run):
    assert run("import sys; sys.exit(0)", kind="pythonshell").result["state"] == "SUCCEEDED"
    assert run("import sys; sys.exit()", kind="pythonshell").result["state"] == "SUCCEEDED"
    failed = run("import sys; sys.exit(3)", kind="pythonshell", fails=True)
    assert (failed.code, failed.result["error_message"]) == (1, "SystemExit: 3")
    assert run("import sys; sys.exit('no input')", kind="pythonshell", fails=True).result["error_message"] == "SystemExit: no input"


def test_a_syntax_error_is_reported(run):
    done = run("def broken(:\n", kind="glueetl", fails=True)
    assert done.result["error_message"].startswith("SyntaxError: ")


def test_a_missing_script_is_reported(run, job_python, tmp_path):
    done = run("", kind="pythonshell", options=["--script", str(tmp_path / "none.py")], fails=True)
    assert done.code == 1 and "none.py does not exist" in done.result["error_message"]


def test_extra_files_are_importable(run, lake, tmp_path):
    (tmp_path / "single.py").write_text("name = 'single'\n")
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        archive.writestr("package/__init__.py", "")
        archive.writestr("package/inner.py", "name = 'inner'\n")
    lake.put("code/remote.py", "name = 'remote'\n")
    files = f"{tmp_path}/single.py, {tmp_path}/many.zip,s3://{lake.bucket}/code/remote.py"
    done = run("import single, remote\nfrom package import inner\nshow([single.name, inner.name, remote.name])", kind="pythonshell",
               options=["--extra-py-files", files])
    assert done.values() == [["single", "inner", "remote"]]


def test_a_script_on_s3(run, lake):
    address = lake.put("code/job.py", "print('=> \"from s3\"')")
    assert run("", kind="pythonshell", options=["--script", address]).values() == ["from s3"]


def test_resolved_options(run):
    done = run("""
from awsglue.utils import getResolvedOptions, GlueArgumentError
def attempt(argv, names):
    try:
        return getResolvedOptions(['s.py', *argv], names)
    except Exception as error:
        return f'{type(error).__name__}: {error}'
show(attempt(['--JOB_NAME', 'n', '--day=2026-01-01', '--my-arg', 'v'], ['JOB_NAME', 'day', 'my-arg']))
show(attempt(['--JOB_NAME', 'n'], ['JOB_NAME', 'bucket', 'day']))
show(attempt(['--x', '-5'], ['x']))
show(attempt(['--bucket'], ['bucket']))
show(attempt(['--JOB_ID', 'j'], ['JOB_ID']))
show(attempt(['--JOB_RUN_ID', 'jr_1', '--TempDir', 's3://t/', '--job-bookmark-option', 'job-bookmark-enable'], []))
show(attempt(['--job-bookmark-option', 'yes'], []))
show(attempt(['--other', '1', '--x', 'a b=c'], ['x']))
""", kind="pythonshell")
    plain, missing, negative, valueless, reserved, own, choice, spaced = done.values()
    assert plain["JOB_NAME"] == "n" and plain["day"] == "2026-01-01" and plain["my_arg"] == "v"
    assert plain["job_bookmark_option"] == "job-bookmark-disable" and plain["JOB_RUN_ID"] is None and "TempDir" not in plain
    assert missing == "GlueArgumentError: the following arguments are required: --bucket, --day"
    assert negative["x"] == "-5"
    assert valueless == "GlueArgumentError: argument --bucket: expected one argument"
    assert reserved.startswith("RuntimeError: Using reserved arguments")
    assert own["JOB_RUN_ID"] == "jr_1" and own["TempDir"] == "s3://t/" and own["job_bookmark_option"] == "job-bookmark-enable"
    assert choice.startswith("GlueArgumentError: argument --job-bookmark-option: invalid choice: 'yes'")
    assert spaced["x"] == "a b=c"


def test_installing_modules_that_do_not_exist_fails_by_name(run):
    done = run("", kind="pythonshell", options=["--python-modules", "./no-such-wheel-1.0.whl"], fails=True)
    assert "no-such-wheel-1.0.whl" in done.result["error_message"]


def test_how_long_a_spark_script_takes_to_start(run):
    began = time.monotonic()
    done = run("""
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
show(spark.sql('select 1 as one').collect()[0]['one'])
""")
    took = time.monotonic() - began
    assert done.values() == [1]
    print(f"a PySpark script's first answer after {took:.2f} s")
    assert took < 30  # about one second on an idle machine; this only notices a Java virtual machine, or a download


def test_the_result_file_is_json(run):
    done = run("raise KeyError('ñ')", kind="pythonshell", fails=True)
    assert json.dumps(done.result) and done.result["error_message"] == "KeyError: 'ñ'"
