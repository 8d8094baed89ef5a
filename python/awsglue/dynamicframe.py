"""DynamicFrame: Glue's frame, over a DataFrame (AWS Glue Developer Guide, "DynamicFrame class")."""
from typing import Any, Callable, Iterable, Optional

from pyspark.sql import functions as F
from pyspark.sql import types as spark_types

from awsglue import choice as choices_
from awsglue import gluetypes, records, relational
from awsglue import paths as fields
from awsglue.records import DynamicRecord  # noqa: F401  (scripts import it from here)
from tarn_job import Unsupported, notice


class ResolveOption:
    """One resolution for `resolveChoice(specs=…)`: what AWS's library calls by this name."""

    def __init__(self, path: str, action: str, target: Optional[Any] = None):
        self.path, self.action, self.target = path, action, target


class DynamicFrame:
    """A frame of records. Its methods return new frames and compute nothing by themselves.

    The parameters `transformation_ctx`, `info`, `stageThreshold` and `totalThreshold` are taken as on AWS. There are no
    error records here (a function that raises stops the job), so the error counts are zero and thresholds never reached.
    """

    def __init__(self, jdf, glue_ctx, name: str = "", choices: Iterable[str] = ()):
        self._df, self.glue_ctx, self.name = jdf, glue_ctx, name
        self._choices = set(choices)

    # From and to DataFrames

    @classmethod
    def fromDF(cls, dataframe, glue_ctx, name: str) -> "DynamicFrame":
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options: Optional[list[ResolveOption]] = None):
        """The frame as a DataFrame. A column of several types is a struct, unless an option resolves it."""
        if not options:
            return self._df
        kinds = {"Cast": "cast", "Project": "project"}
        specs = [(one.path, f"{kinds[one.action]}:{one.target}" if one.action in kinds else "make_struct") for one in options]
        return self.resolveChoice(specs=specs)._df

    def with_frame_schema(self, schema):
        raise Unsupported("DynamicFrame.with_frame_schema is not supported")

    def _new(self, frame, name: str = "", keep: Optional[Callable[[str], Optional[str]]] = None) -> "DynamicFrame":
        """A frame of a changed DataFrame; `keep` says what a column of several types is called in it (None: gone)."""
        held = self._choices if keep is None else {new for old in self._choices if (new := keep(old)) is not None}
        return DynamicFrame(frame, self.glue_ctx, name or self.name, {one for one in held if one.split(".")[0] in frame.columns})

    # Looking at it

    def schema(self) -> gluetypes.Schema:
        return gluetypes.Schema(self._df.schema, self._choices)

    def printSchema(self) -> None:
        print(self.schema().tree())

    def count(self) -> int:
        return self._df.count()

    def show(self, num_rows: int = 20) -> None:
        """Prints rows as JSON, one a line, as Glue does."""
        for row in self._df.limit(num_rows).toJSON().collect():
            print(row)

    def getNumPartitions(self) -> int:
        return self._df.rdd.getNumPartitions()

    def errorsCount(self) -> int:
        return 0

    def stageErrorsCount(self) -> int:
        return 0

    def errorsAsDynamicFrame(self) -> "DynamicFrame":
        spark = self.glue_ctx.spark_session
        return DynamicFrame(spark.createDataFrame([], spark_types.StructType([])), self.glue_ctx, self.name)

    def assertErrorThreshold(self) -> None:
        pass

    # Choosing and naming fields

    def select_fields(self, paths: list[str], transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                      totalThreshold: int = 0) -> "DynamicFrame":
        """The fields of these paths; one that is not there is left out. A nested field keeps the structs around it."""
        schema = self._df.schema
        wanted = [found for path in _listed(paths) if (found := self._resolve(schema, path, "select_fields")) is not None]
        keep = {tuple(one) for one in wanted}
        changes = {place: None for place in _leaves_outside(schema, keep)}
        order = list(dict.fromkeys(one[0] for one in wanted))
        frame = self._df.select(*fields.rebuilt(schema, changes)).select(*[fields.column([one]) for one in order]) if order \
            else self._df.select()
        return self._new(frame, transformation_ctx)

    def drop_fields(self, paths: list[str], transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                    totalThreshold: int = 0) -> "DynamicFrame":
        schema = self._df.schema
        changes = {tuple(found): None for path in _listed(paths)
                   if (found := self._resolve(schema, path, "drop_fields")) is not None}
        frame = self._df.select(*fields.rebuilt(schema, changes)) if changes else self._df
        return self._new(frame, transformation_ctx, lambda old: None if tuple(old.split(".")) in changes else old)

    def rename_field(self, oldName: str, newName: str, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                     totalThreshold: int = 0) -> "DynamicFrame":
        schema = self._df.schema
        found = self._resolve(schema, oldName, "rename_field")
        if found is None:
            return self
        new = fields.split(newName)
        if len(found) == 1 and len(new) == 1:
            frame = self._df.withColumnRenamed(found[0], new[0])
            return self._new(frame, transformation_ctx, lambda old: new[0] if old == found[0] else old)
        changes = {tuple(found): [(new[-1], fields.column(found))]} if found[:-1] == new[:-1] else {tuple(found): None}
        columns = fields.rebuilt(schema, changes)
        if found[:-1] != new[:-1]:
            columns.append(_wrapped(new[1:], fields.column(found)).alias(new[0]))
        return self._new(self._df.select(*columns), transformation_ctx)

    def _resolve(self, schema, path: str, step: str) -> Optional[list[str]]:
        found = fields.resolve(schema, path)
        if found is None:
            notice(f"{step}: there is no field {path}; it is left out")
        return found

    def apply_mapping(self, mappings: list[tuple], case_sensitive: bool = False, transformation_ctx: str = "", info: str = "",
                      stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """Fields by (source, source type, target, target type) or (source, target), cast to the target type; a target
        with dots makes structs. What is not named is left out, and so is a source that is not there."""
        schema = self._df.schema
        tree: dict[str, Any] = {}
        for mapping in mappings:
            if len(mapping) not in (2, 4):
                raise ValueError(f"a mapping has two or four members, not {len(mapping)}: {mapping}")
            source, target = (mapping[0], mapping[1]) if len(mapping) == 2 else (mapping[0], mapping[2])
            found = fields.resolve(schema, source)
            if found is None and not case_sensitive:
                found = fields.resolve(schema, {name.lower(): name for name in schema.fieldNames()}.get(source.lower(), source))
            if found is None:
                notice(f"apply_mapping: there is no field {source}; it is left out")
                continue
            wanted = mapping[3] if len(mapping) == 4 else None
            _place(tree, fields.split(target), self._cast(schema, found, wanted))
        if not tree:
            raise ValueError("apply_mapping: none of the mapped fields is in the frame, which has: " + ", ".join(schema.fieldNames()))
        frame = self._df.select(*[_built(one).alias(name) for name, one in tree.items()])
        return DynamicFrame(frame, self.glue_ctx, transformation_ctx or self.name)

    def _cast(self, schema, found: list[str], wanted: Optional[str]):
        kind, whole = fields.type_at(schema, found), fields.column(found)
        if ".".join(found) in self._choices:
            return choices_.joined([(one.name, fields.column([*found, one.name])) for one in kind.fields], wanted or "string")
        if wanted is None or wanted.lower() in ("struct", "array", "map", "choice"):
            return whole
        spark = gluetypes.spark_name(wanted)
        return whole if spark == kind.simpleString() else whole.cast(spark)

    def resolveChoice(self, specs: Optional[list[tuple[str, str]]] = None, choice: str = "", database: Optional[str] = None,
                      table_name: Optional[str] = None, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
                      totalThreshold: int = 0, catalog_id: Optional[str] = None) -> "DynamicFrame":
        """Resolves fields that hold several types: `specs` field by field, or one `choice` for all.

        Actions: cast:type, project:type, make_cols, make_struct, and as `choice` match_catalog (the types of the table
        that `database` and `table_name` name). A `cast` in specs also casts a field of a single type.
        """
        if bool(specs) == bool(choice):
            raise ValueError("resolveChoice takes either specs or choice")
        schema, changes, gone = self._df.schema, {}, set()
        for path, action, wanted in self._resolutions(specs, choice, database, table_name, catalog_id):
            found = self._resolve(schema, path, "resolveChoice")
            if found is None:
                continue
            joined = ".".join(found)
            changes[tuple(found)] = choices_.change(found[-1], found, fields.type_at(schema, found), joined in self._choices, action, wanted)
            gone.add(joined)
        frame = self._df.select(*fields.rebuilt(schema, changes)) if changes else self._df
        return self._new(frame, transformation_ctx, lambda old: None if old in gone else old)

    def _resolutions(self, specs, choice, database, table_name, catalog_id):
        if specs:
            return [(path, *choices_.parse(action)) for path, action in specs]
        action, wanted = choices_.parse(choice)
        if action != "match_catalog":
            return [(path, action, wanted) for path in sorted(self._choices)]
        if not database or not table_name:
            raise ValueError("resolveChoice(choice=\"match_catalog\") needs database and table_name")
        from awsglue import catalog
        found = catalog.table(database, table_name, catalog_id)
        known = {name.lower(): kind for name, kind in found.columns + found.partition_keys}
        return [(name, "cast", known[name.lower()]) for name in self._df.columns
                if name.lower() in known and (name in self._choices or not known[name.lower()].startswith(("struct", "array", "map")))]

    def unbox(self, path: str, format: str, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
              totalThreshold: int = 0, **options) -> "DynamicFrame":
        """Parses a text field that holds JSON into a struct. `schema` (DDL) says of what; without it the values do."""
        if format.lower() != "json":
            raise Unsupported(f"unbox of the format {format!r} is not supported; json is")
        found = self._resolve(self._df.schema, path, "unbox")
        if found is None:
            return self
        kind = options.get("schema") or self._json_type(found)
        return self._new(self._df.select(*fields.rebuilt(self._df.schema, {tuple(found): F.from_json(fields.column(found), kind)})), transformation_ctx)

    def _json_type(self, found: list[str]) -> str:
        import json

        from pyspark.sql.pandas.types import from_arrow_type
        kind: Any = "null"
        for row in self._df.select(fields.column(found).alias("text")).toLocalIterator():
            if row["text"] is not None:
                try:
                    kind = records.merge(kind, records.kind_of(json.loads(row["text"])))
                except ValueError:
                    pass
        return from_arrow_type(records.arrow_of(kind)).simpleString()

    def unnest(self, transformation_ctx: str = "", info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """Structs flattened into columns whose names have dots in them; arrays stay."""
        def flat(schema, prefix):
            for field in schema.fields:
                place = [*prefix, field.name]
                if isinstance(field.dataType, spark_types.StructType):
                    yield from flat(field.dataType, place)
                else:
                    yield fields.column(place).alias(".".join(place))
        return DynamicFrame(self._df.select(*flat(self._df.schema, [])), self.glue_ctx, transformation_ctx or self.name)

    def unnest_ddb_json(self, *arguments, **named):
        raise Unsupported("DynamicFrame.unnest_ddb_json is not supported")

    def relationalize(self, root_table_name: str, staging_path: str = "", options: Optional[dict] = None, transformation_ctx: str = "",
                      info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrameCollection":
        """The records as flat tables: see `relational`. Nothing is staged at `staging_path`."""
        for name in options or {}:
            raise Unsupported(f"relationalize: the option {name} is not supported")
        found = relational.tables(self._df, root_table_name)
        return DynamicFrameCollection({name: DynamicFrame(frame, self.glue_ctx, name) for name, frame in found.items()}, self.glue_ctx)

    # Rows

    def filter(self, f: Callable[[DynamicRecord], bool], transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
               totalThreshold: int = 0) -> "DynamicFrame":
        return self._new(records.filtered(self._df, f, self._choices), transformation_ctx)

    def map(self, f: Callable[[DynamicRecord], dict], preservesPartitioning: bool = False, transformation_ctx: str = "",
            info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """The records that `f` returns. Their columns and types come from what it returns; see `records.mapped`."""
        return DynamicFrame(records.mapped(self._df, f, self._choices), self.glue_ctx, transformation_ctx or self.name)

    def join(self, paths1: list[str], paths2: list[str], frame2: "DynamicFrame", transformation_ctx: str = "", info: str = "",
             stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """Rows of both frames whose keys are equal. A name that both have is preceded by a dot where it is frame2's."""
        left, right = self._df, frame2._df
        taken = set(left.columns)
        pairs = list(zip(_listed(paths1), _listed(paths2)))
        if len(_listed(paths1)) != len(_listed(paths2)):
            raise ValueError("join needs as many keys on one side as on the other")
        keys = [(fields.resolve(left.schema, one), fields.resolve(right.schema, other)) for one, other in pairs]
        for (one, other), (found, met) in zip(pairs, keys):
            if found is None or met is None:
                raise ValueError(f"join: there is no field {one if found is None else other}")
        left_keyed = left.select("*", *[fields.column(found).alias(f"__left{at}") for at, (found, _) in enumerate(keys)])
        renamed = [fields.column([name]).alias("." + name if name in taken else name) for name in right.columns]
        right_keyed = right.select(*renamed, *[fields.column(met).alias(f"__right{at}") for at, (_, met) in enumerate(keys)])
        condition = None
        for at in range(len(keys)):
            same = F.col(f"__left{at}") == F.col(f"__right{at}")
            condition = same if condition is None else condition & same
        wanted = [*left.columns, *["." + name if name in taken else name for name in right.columns]]
        frame = left_keyed.join(right_keyed, condition, "inner").select(*[fields.column([name]) for name in wanted])
        held = self._choices | {"." + one if one in taken else one for one in frame2._choices}
        return DynamicFrame(frame, self.glue_ctx, transformation_ctx or self.name, held)

    def union(self, frame2: "DynamicFrame", transformation_ctx: str = "", info: str = "", stageThreshold: int = 0,
              totalThreshold: int = 0) -> "DynamicFrame":
        return self._new(self._df.unionByName(frame2._df, allowMissingColumns=True), transformation_ctx)

    def mergeDynamicFrame(self, stage_dynamic_frame: "DynamicFrame", primary_keys: list[str], transformation_ctx: str = "",
                          options: Optional[dict] = None, info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """The records of the staging frame, and those of this one whose keys it has not."""
        keys = stage_dynamic_frame._df.select(*[fields.column([name]) for name in primary_keys]).distinct()
        rest = self._df.join(keys, primary_keys, "left_anti")
        return self._new(rest.unionByName(stage_dynamic_frame._df, allowMissingColumns=True), transformation_ctx)

    def split_fields(self, paths: list[str], name1: str, name2: str, transformation_ctx: str = "", info: str = "",
                     stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrameCollection":
        return DynamicFrameCollection({name1: self.select_fields(paths, name1), name2: self.drop_fields(paths, name2)}, self.glue_ctx)

    def split_rows(self, comparison_dict: dict[str, dict[str, Any]], name1: str, name2: str, transformation_ctx: str = "",
                   info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrameCollection":
        """Rows that satisfy every comparison ({"path": {">": value}}), and the others."""
        compare = {">": "__gt__", "<": "__lt__", ">=": "__ge__", "<=": "__le__", "=": "__eq__", "==": "__eq__", "!=": "__ne__"}
        condition = F.lit(True)
        for path, tests in comparison_dict.items():
            found = fields.resolve(self._df.schema, path)
            if found is None:
                raise ValueError(f"split_rows: there is no field {path}")
            for sign, value in tests.items():
                condition = condition & getattr(fields.column(found), compare[sign])(value)
        inside = F.coalesce(condition, F.lit(False))
        return DynamicFrameCollection({name1: self._new(self._df.filter(inside), name1), name2: self._new(self._df.filter(~inside), name2)},
                                      self.glue_ctx)

    def drop_nulls(self, transformation_ctx: str = "", **_) -> "DynamicFrame":
        """Leaves out the fields that no record has a value for. It reads the records once to know."""
        names = self._df.columns
        row = self._df.agg(*[F.count(fields.column([name])).alias(f"c{at}") for at, name in enumerate(names)]).collect()[0]
        kept = [name for at, name in enumerate(names) if row[f"c{at}"]]
        return self._new(self._df.select(*[fields.column([name]) for name in kept]), transformation_ctx)

    def coalesce(self, numPartitions: int) -> "DynamicFrame":
        return self._new(self._df.coalesce(numPartitions))

    def repartition(self, numPartitions: int) -> "DynamicFrame":
        return self._new(self._df.repartition(numPartitions))

    def spigot(self, path: str, options: Optional[dict[str, Any]] = None, transformation_ctx: str = "", info: str = "",
               stageThreshold: int = 0, totalThreshold: int = 0) -> "DynamicFrame":
        """Writes sample records as JSON below a path: the first `topk`, or each with the chance `prob`."""
        given = options or {}
        sample = self._df.sample(float(given["prob"])) if "prob" in given else self._df
        if "topk" in given or not given:
            sample = sample.limit(int(given.get("topk", 100)))
        sample.write.mode("append").json(path)
        return self

    def write(self, connection_type: str, connection_options: dict[str, Any], format: Optional[str] = None,
              format_options: Optional[dict[str, Any]] = None, accumulator_size: int = 0) -> "DynamicFrame":
        return self.glue_ctx.write_dynamic_frame_from_options(self, connection_type, connection_options, format, format_options or {})

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        raise Unsupported(f"DynamicFrame.{name} is not supported; toDF() gives a DataFrame")


def _listed(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _leaves_outside(schema: spark_types.StructType, keep: set[tuple[str, ...]], prefix: tuple[str, ...] = ()) -> Iterable[tuple[str, ...]]:
    """The fields that are neither wanted nor around or inside one that is."""
    for field in schema.fields:
        place = (*prefix, field.name)
        if place in keep:
            continue
        if any(one[:len(place)] == place for one in keep) and isinstance(field.dataType, spark_types.StructType):
            yield from _leaves_outside(field.dataType, keep, place)
        else:
            yield place


def _place(tree: dict[str, Any], names: list[str], column: Any) -> None:
    for name in names[:-1]:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise ValueError(f"apply_mapping: {name} is both a field and a struct of fields")
    tree[names[-1]] = column


def _built(node: Any):
    return F.struct(*[_built(one).alias(name) for name, one in node.items()]) if isinstance(node, dict) else node


def _wrapped(names: list[str], column):
    for name in reversed(names):
        column = F.struct(column.alias(name))
    return column


class DynamicFrameCollection:
    """Frames by name."""

    def __init__(self, dynamic_frames: dict[str, DynamicFrame], glue_ctx):
        self._frames, self._glue_context = dict(dynamic_frames), glue_ctx

    def __getitem__(self, key: str) -> DynamicFrame:
        return self._frames[key]

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self):
        return iter(self._frames)

    def keys(self):
        return self._frames.keys()

    def values(self):
        return self._frames.values()

    def select(self, key: str, transformation_ctx: str = "") -> DynamicFrame:
        return self._frames[key]

    def map(self, callable: Callable[[DynamicFrame, str], DynamicFrame], transformation_ctx: str = "") -> "DynamicFrameCollection":
        return DynamicFrameCollection({name: callable(frame, name) for name, frame in self._frames.items()}, self._glue_context)

    def flatmap(self, f: Callable[[DynamicFrame, str], Any], transformation_ctx: str = "") -> "DynamicFrameCollection":
        result: dict[str, DynamicFrame] = {}
        for name, frame in self._frames.items():
            made = f(frame, name)
            if isinstance(made, DynamicFrame):
                result[name] = made
            else:
                result.update({f"{name}_{inner}" if inner in result else inner: one for inner, one in zip(made.keys(), made.values())})
        return DynamicFrameCollection(result, self._glue_context)
