"""DynamicFrame and the transforms."""
from test_catalog import GLUE


def test_apply_mapping_and_fields(run):
    done = run(GLUE + """
df = spark.createDataFrame([(1, '12.50', (7, 'x'), '2026-01-01', '5')], 'id int, price string, s struct<a:int,b:string>, day string, `d.e` string')
frame = DynamicFrame.fromDF(df, glueContext, 'f')
mapped = ApplyMapping.apply(frame=frame, mappings=[('id', 'int', 'key', 'long'), ('price', 'string', 'out.price', 'decimal(10,2)'),
    ('s.a', 'int', 'out.a', 'string'), ('day', 'string', 'day', 'date'), ('`d.e`', 'string', 'de', 'int'), ('nothing', 'string', 'x', 'string')])
show([mapped.toDF().dtypes, str(mapped.toDF().collect()[0])])
mapped.printSchema()
show(SelectFields.apply(frame=frame, paths=['s.a', 'id', 'none']).toDF().dtypes)
show(DropFields.apply(frame=frame, paths=['s.b', 'price', 'd.e']).toDF().dtypes)
show(RenameField.apply(frame, 'id', 'key').toDF().columns)
show(frame.rename_field('s.a', 's.c').toDF().dtypes[2])
show(UnnestFrame.apply(frame=frame).toDF().columns)
both = SplitFields.apply(frame=frame, paths=['id', 'day'], name1='one', name2='two')
show([sorted(both.keys()), SelectFromCollection.apply(dfc=both, key='one').toDF().columns, both['two'].toDF().columns])
show([frame.count(), frame.errorsCount(), frame.schema().field_names()])
""")
    mapped, selected, dropped, renamed, nested, unnested, split, counts = done.values()
    assert mapped == [[["key", "bigint"], ["out", "struct<price:decimal(10,2),a:string>"], ["day", "date"], ["de", "int"]],
                      "Row(key=1, out=Row(price=Decimal('12.50'), a='7'), day=datetime.date(2026, 1, 1), de=5)"]
    assert "root\n|-- key: long\n|-- out: struct\n|    |-- price: decimal(10,2)\n|    |-- a: string\n|-- day: date\n|-- de: int\n" in done.out
    assert selected == [["s", "struct<a:int>"], ["id", "int"]]
    assert dropped == [["id", "int"], ["s", "struct<a:int>"], ["day", "string"]]
    assert renamed == ["key", "price", "s", "day", "d.e"]
    assert nested == ["s", "struct<c:int,b:string>"]
    assert unnested == ["id", "price", "s.a", "s.b", "day", "d.e"]
    assert split == [["one", "two"], ["id", "day"], ["price", "s", "d.e"]]
    assert counts == [1, 0, ["id", "price", "s", "day", "d.e"]]
    assert "there is no field nothing" in done.err


def test_functions_over_records(run):
    done = run(GLUE + """
df = spark.createDataFrame([(1, 'ana', (1.5,), [1, 2]), (2, None, None, None)], 'id int, name string, s struct<x:double>, l array<int>')
frame = DynamicFrame.fromDF(df, glueContext, 'f')
show([row.id for row in Filter.apply(frame=frame, f=lambda r: r['name'] is not None and r['s']['x'] > 1).toDF().collect()])
def change(record):
    record['upper'] = (record['name'] or 'nobody').upper()
    record['n'] = len(record['l'] or [])
    record['total'] = record['id'] * 1.5
    del record['l']
    return record
changed = Map.apply(frame=frame, f=change)
show([changed.toDF().dtypes, [str(row) for row in changed.toDF().collect()]])
mixed = frame.map(lambda r: {'v': r['id'] if r['id'] == 1 else 'two'})
show([mixed.toDF().dtypes, [row.v for row in mixed.toDF().collect()]])
try:
    frame.map(lambda r: 5).count()
except Exception as error:
    show('must return a record' in str(error))
""")
    kept, changed, mixed, refused = done.values()
    assert kept == [1]
    assert changed == [[["id", "int"], ["name", "string"], ["s", "struct<x:double>"], ["upper", "string"], ["n", "bigint"], ["total", "double"]],
                       ["Row(id=1, name='ana', s=Row(x=1.5), upper='ANA', n=2, total=1.5)",
                        "Row(id=2, name=None, s=None, upper='NOBODY', n=0, total=3.0)"]]
    assert mixed == [[["v", "string"]], ["1", "two"]]
    assert refused is True


def test_join_union_and_rows(run):
    done = run(GLUE + """
left = DynamicFrame.fromDF(spark.createDataFrame([(1, 'a'), (2, 'b')], 'id int, name string'), glueContext, 'l')
right = DynamicFrame.fromDF(spark.createDataFrame([(1, 10), (1, 11), (3, 12)], 'id int, amount int'), glueContext, 'r')
joined = Join.apply(left, right, 'id', 'id').toDF()
show([joined.columns, sorted(list(row) for row in joined.collect())])
show(sorted(list(row) for row in Join.apply(frame1=left, frame2=right.rename_field('id', 'left_id'), keys1=['id'], keys2=['left_id']).toDF().collect()))
show(sorted([list(row) for row in left.union(right).toDF().collect()], key=str))
parts = left.split_rows({'id': {'>': 1}}, 'big', 'small')
show([[row.id for row in parts[name].toDF().collect()] for name in ('big', 'small')])
nulls = DynamicFrame.fromDF(spark.createDataFrame([(1, None, None), (2, None, 'x')], 'a int, b string, c string'), glueContext, 'n')
show(DropNullFields.apply(frame=nulls).toDF().columns)
staged = left.mergeDynamicFrame(DynamicFrame.fromDF(spark.createDataFrame([(2, 'B'), (3, 'c')], 'id int, name string'), glueContext, 's'), ['id'])
show(sorted(list(row) for row in staged.toDF().collect()))
for attempt in (lambda: left.unnest_ddb_json(), lambda: FillMissingValues.apply(frame=left, missing_values_column='id'),
                lambda: left.no_such_thing(), lambda: glueContext.forEachBatch(left)):
    try:
        attempt()
    except Exception as error:
        show(type(error).__name__)
""")
    assert done.values() == [
        [["id", "name", ".id", "amount"], [[1, "a", 1, 10], [1, "a", 1, 11]]], [[1, "a", 1, 10], [1, "a", 1, 11]],
        [[1, "a", None], [1, None, 10], [1, None, 11], [2, "b", None], [3, None, 12]], [[2], [1]], ["a", "c"],
        [[1, "a"], [2, "B"], [3, "c"]], *["Unsupported"] * 4]


def test_choices_in_json(run, lake):
    lake.put("j/a.json", '{"price":10,"in":{"k":"a"},"z":1}\n{"price":"n/a","in":{"k":5},"z":3000000000}\n{"price":2.5}\n')
    done = run(GLUE + f"""
frame = glueContext.create_dynamic_frame.from_options('s3', {{'paths': ['s3://{lake.bucket}/j/']}}, format='json')
frame.printSchema()
show(frame.toDF().dtypes)
def values(frame): return [None if row[0] is None else str(row[0]) for row in frame.toDF().select('price').collect()]
show(values(ResolveChoice.apply(frame=frame, specs=[('price', 'cast:double')])))
show(values(frame.resolveChoice(specs=[('price', 'project:string')])))
show(frame.resolveChoice(specs=[('price', 'make_cols'), ('in.k', 'cast:string'), ('z', 'cast:long')]).toDF().dtypes)
show(frame.resolveChoice(choice='make_struct').schema().fields)
show(frame.resolveChoice(choice='cast:string').toDF().dtypes)
show(values(frame.apply_mapping([('price', 'double', 'price', 'double')])))
show([row.price for row in frame.map(lambda r: {{'price': str(r['price'])}}).toDF().collect()])
try:
    frame.resolveChoice(specs=[('price', 'guess')])
except ValueError as error:
    show(str(error)[:36])
""")
    assert ("|-- price: choice\n|    |-- double\n|    |-- int\n|    |-- string\n|-- in: struct\n|    |-- k: choice\n|    |    |-- int\n"
            "|    |    |-- string\n|-- z: choice\n|    |-- int\n|    |-- long\n") in done.out
    dtypes, cast, project, cols, struct, text, mapped, records, unknown = done.values()
    assert dtypes == [["price", "struct<double:double,int:int,string:string>"], ["in", "struct<k:struct<int:int,string:string>>"],
                      ["z", "struct<int:int,long:bigint>"]]
    assert cast == ["10.0", None, "2.5"] and project == [None, "n/a", None]
    assert cols == [["price_double", "double"], ["price_int", "int"], ["price_string", "string"], ["in", "struct<k:string>"], ["z", "bigint"]]
    assert struct == [["price", "struct"], ["in", "struct"], ["z", "struct"]]
    assert text == [["price", "string"], ["in", "struct<k:string>"], ["z", "string"]]
    assert mapped == ["10.0", None, "2.5"] and records == ["10", "n/a", "2.5"]
    assert unknown == "resolveChoice does not know the acti"


def test_choices_in_a_csv_table(run, lake):
    lake.put("c/a.csv", "id,name,day\n1,x,2026-01-01\nN/A,y,2026-01-02\n,z,\n")
    lake.table("c", "c/", [("id", "bigint"), ("name", "string"), ("day", "date")])
    done = run(GLUE + f"""
frame = glueContext.create_dynamic_frame.from_catalog(database='{lake.database}', table_name='c')
show(frame.schema().fields)
show([str(row.id) for row in frame.toDF().collect()])
show([row.id for row in frame.resolveChoice(specs=[('id', 'cast:long')]).toDF().collect()])
show(frame.resolveChoice(choice='match_catalog', database='{lake.database}', table_name='c').toDF().dtypes)
show([row.id for row in spark.table('{lake.database}.c').collect()])
""")
    assert done.values() == [
        [["id", "choice"], ["name", "string"], ["day", "date"]],
        ["Row(long=1, string=None)", "Row(long=None, string='N/A')", "None"], [1, None, None],
        [["id", "bigint"], ["name", "string"], ["day", "date"]], [1, None, None]]


def test_csv_by_options(run, lake):
    lake.put("c/a.csv", '"x ""y""",1\nñ,2\n')
    lake.put("c/skip.pdf", "no")
    done = run(GLUE + f"""
def read(**options):
    return glueContext.create_dynamic_frame.from_options(connection_type='s3', connection_options={{'paths': ['s3://{lake.bucket}/c/'],
        'exclusions': '["**.pdf"]'}}, format='csv', format_options=options).toDF()
show([read().dtypes, [list(row) for row in read().collect()]])
show(read(withHeader=True).columns)
show([list(row) for row in read(skipFirst=True).collect()])
try:
    glueContext.create_dynamic_frame.from_options('s3', {{'paths': ['s3://{lake.bucket}/none/']}}, format='csv')
except FileNotFoundError as error:
    show('nothing was found' in str(error))
""")
    assert done.values() == [[[["col0", "string"], ["col1", "string"]], [['x "y"', "1"], ["ñ", "2"]]], ['x "y"', "1"], [["ñ", "2"]], True]


def test_relationalize(run):
    done = run(GLUE + """
text = '''[{"company": "A", "at": {"city": "Quito"}, "staff": [{"name": "x", "phones": [1, 2]}, {"name": "y", "phones": []}]},
           {"company": "B", "staff": []}, {"company": "C", "codes": ["k"]}]'''
frame = DynamicFrame.fromDF(spark.read.json(sc.parallelize([text, '{"company": "D"}'])), glueContext, 'f')
flat = Relationalize.apply(frame=frame, staging_path='s3://nowhere/', name='root')
show(sorted(flat.keys()))
root = {row.company: row for row in flat.select('root').toDF().collect()}
show([flat['root'].toDF().dtypes, root['A']['at.city'], root['A'].codes, root['B'].staff is not None, root['D'].staff])
staff = flat['root_staff'].toDF()
show([staff.dtypes, [[row.id == root['A'].staff, row['index'], row['staff.val.name']] for row in staff.orderBy('index').collect()]])
phones = flat['root_staff.val.phones'].toDF()
owners = {row['staff.val.phones']: row['staff.val.name'] for row in staff.collect()}
show([phones.dtypes, sorted([owners[row.id], row['index'], row['staff.val.phones.val']] for row in phones.collect())])
show([[row.id == root['C'].codes, row['codes.val']] for row in flat['root_codes'].toDF().collect()])
""")
    names, root, staff, phones, codes = done.values()
    assert names == ["root", "root_codes", "root_staff", "root_staff.val.phones"]
    assert root == [[["at.city", "string"], ["codes", "bigint"], ["company", "string"], ["staff", "bigint"]], "Quito", None, True, None]
    assert staff == [[["id", "bigint"], ["index", "int"], ["staff.val.name", "string"], ["staff.val.phones", "bigint"]],
                     [[True, 0, "x"], [True, 1, "y"]]]
    assert phones == [[["id", "bigint"], ["index", "int"], ["staff.val.phones.val", "bigint"]], [["x", 0, 1], ["x", 1, 2]]]
    assert codes == [[True, "k"]]
