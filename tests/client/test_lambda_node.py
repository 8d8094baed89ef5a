"""Lambda's Node runtimes: handlers of both kinds of modules, by promises and callbacks, with layers, errors and logs."""

import io
import json
import re
import subprocess
import zipfile

import pytest
from running_tarn import ROOT
from test_lambda import ROLE, functions, invoke, log_lines  # noqa: F401 (fixtures)


@pytest.fixture(scope="module", autouse=True)
def node():
    made = subprocess.run([ROOT / "tools/node-env"], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(made.stderr)


def packed(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.fixture
def make(functions, name):
    made = []

    def make(files, **settings):
        files = {"index.js": files} if isinstance(files, str) else files
        function = re.sub("[^a-z0-9-]", "", name)[-50:] + f"-{len(made)}"
        settings = {"Runtime": "nodejs20.x", "Handler": "index.handler", "Role": ROLE, "Timeout": 10, **settings}
        functions.create_function(FunctionName=function, Code={"ZipFile": packed(files)}, **settings)
        made.append(function)
        return function

    yield make
    for function in made:
        functions.delete_function(FunctionName=function)


def test_both_kinds_of_modules(functions, make):
    body = "async (event, context) => ({ event, id: context.awsRequestId, left: context.getRemainingTimeInMillis(), name: context.functionName, " \
           "env: process.env.AWS_EXECUTION_ENV, cwd: process.cwd() })"
    kinds = [({"index.js": f"exports.handler = {body}"}, "index.handler"), ({"index.mjs": f"export const handler = {body}"}, "index.handler"),
             ({"src/app.js": f"await 1; export const inner = {{ main: {body} }}", "package.json": '{"type": "module"}'}, "src/app.inner.main"),
             ({"index.cjs": f"module.exports.handler = {body}"}, "index.handler")]
    for files, handler in kinds:
        function = make(files, Handler=handler)
        out, said = invoke(functions, function, {"a": ["ü", 1]})
        assert said["event"] == {"a": ["ü", 1]} and said["id"] == out["ResponseMetadata"]["RequestId"] and said["name"] == function
        assert 8000 < said["left"] <= 10000 and said["env"] == "AWS_Lambda_nodejs20.x"


def test_callbacks_and_promises(functions, make):
    function = make("""
exports.handler = (event, context, callback) => {
  if (event.now) context.callbackWaitsForEmptyEventLoop = false;
  if (event.how === 'callback') { let late = 'early'; setTimeout(() => { late = 'late'; }, 300); callback(null, { get late() { return late; } }); }
  if (event.how === 'error') callback(new TypeError('wrong'));
  if (event.how === 'text') callback('a text');
  if (event.how === 'promise') return Promise.resolve('promised');
  if (event.how === 'succeed') context.succeed('done');
};
""")
    say = lambda **event: invoke(functions, function, event)
    assert say(how="promise")[1] == "promised" and say(how="succeed")[1] == "done" and say(how="nothing")[1] is None
    assert say(how="callback")[1] == {"late": "late"} and say(how="callback", now=True)[1] == {"late": "early"}
    out, said = say(how="error")
    assert out["FunctionError"] == "Unhandled" and (said["errorType"], said["errorMessage"]) == ("TypeError", "wrong")
    assert "TypeError: wrong" in said["trace"][0]
    assert say(how="text")[1]["errorMessage"] == "a text"
    newest = make("exports.handler = (event, context, callback) => callback(null, 1)", Runtime="nodejs24.x")
    assert invoke(functions, newest, None)[1]["errorType"] == "Runtime.CallbackHandlerDeprecated"


@pytest.mark.parametrize("files, error, message", [
    ("exports.other = 1", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
    ({"other.js": ""}, "Runtime.ImportModuleError", "Cannot find module"),
    ("exports.handler = async () => {", "Runtime.UserCodeSyntaxError", "SyntaxError"),
    ("const x = require('not-there')", "Runtime.ImportModuleError", "not-there"),
    ("throw new RangeError('at start')", "RangeError", "at start"),
    ("exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise(r => setTimeout(r, 500)); }",
     "Runtime.UnhandledPromiseRejection", "lost"),
    ("exports.handler = () => new Promise(() => setTimeout(() => { throw new Error('later'); }, 10))", "Error", "later"),
    ("exports.handler = async () => process.exit(3)", "Runtime.ExitError", "exit status 3"),
])
def test_ways_to_fail(functions, make, files, error, message):
    out, said = invoke(functions, make(files), {})
    assert out["FunctionError"] == "Unhandled" and said["errorType"] == error and message in said["errorMessage"], said


def test_logs(tarn, functions, make):
    function = make("""
console.log('before');
exports.handler = async () => { console.info('one %d', 1, { a: 2 }); console.error('two\\nlines'); console.warn('w'); process.stdout.write('plain\\n'); throw new Error('no'); };
""")
    out, _ = invoke(functions, function, None)
    request, lines = out["ResponseMetadata"]["RequestId"], log_lines(tarn, function)
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t"
    found = lambda pattern: any(re.fullmatch(pattern, line.rstrip("\n"), re.S) for line in lines)
    assert found(stamp + "undefined\tINFO\tbefore") and found(stamp + request + "\tINFO\tone 1 { a: 2 }")
    assert found(stamp + request + "\tERROR\ttwo\nlines") and found(stamp + request + "\tWARN\tw") and found("plain")
    assert found(stamp + request + r'\tERROR\tInvoke Error \t\{"errorType":"Error","errorMessage":"no".*')


def test_layers(functions, make, name):
    layer = functions.publish_layer_version(LayerName=re.sub("[^a-z0-9-]", "", name), Content={
        "ZipFile": packed({"nodejs/node_modules/greet/index.js": "module.exports = (who) => `hello ${who}`"})})
    function = make("const greet = require('greet'); exports.handler = async (e) => greet(e)", Layers=[layer["LayerVersionArn"]])
    assert invoke(functions, function, "node")[1] == "hello node"


@pytest.mark.parametrize("file, how", [("index.mjs", "import { S3Client, ListBucketsCommand } from '@aws-sdk/client-s3'; export"),
                                       ("index.js", "const { S3Client, ListBucketsCommand } = require('@aws-sdk/client-s3'); exports.handler =")])
def test_the_sdk_acts_as_the_role(tarn, functions, make, name, file, how):
    made = subprocess.run([ROOT / "tools/node-env", "sdk"], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(made.stderr)
    bucket = re.sub("[^a-z0-9-]", "", name)[-40:].strip("-") + "-b"
    tarn.client("s3").create_bucket(Bucket=bucket)
    declared = "const handler =" if how.endswith("export") else ""
    function = make({file: f"{how} {declared} async () => (await new S3Client({{}}).send(new ListBucketsCommand({{}}))).Buckets.map((b) => b.Name)"}, Timeout=20, MemorySize=512)
    assert bucket in invoke(functions, function, None)[1]


def test_warm_invocations_keep_their_state(functions, make):
    function = make("let n = 0; exports.handler = async () => ++n")
    assert [invoke(functions, function, None)[1] for _ in range(5)] == [1, 2, 3, 4, 5]
