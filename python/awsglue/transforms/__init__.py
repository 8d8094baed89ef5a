"""Glue's transforms (AWS Glue Developer Guide, "AWS Glue PySpark transforms reference").

Each is a class with `apply`, which is the DynamicFrame's method of the same meaning. Those that need a service which
runs elsewhere (FindMatches, FillMissingValues, EvaluateDataQuality, …) refuse by name.
"""
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.transforms.transform import GlueTransform
from tarn_job import Unsupported


class ApplyMapping(GlueTransform):
    """Selects, renames and casts fields."""

    def __call__(self, frame, mappings, case_sensitive=False, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.apply_mapping(mappings, case_sensitive, transformation_ctx)


class SelectFields(GlueTransform):
    """Keeps the named fields."""

    def __call__(self, frame, paths, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.select_fields(paths, transformation_ctx)


class DropFields(GlueTransform):
    """Leaves out the named fields."""

    def __call__(self, frame, paths, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.drop_fields(paths, transformation_ctx)


class RenameField(GlueTransform):
    """Renames one field."""

    def __call__(self, frame, old_name, new_name, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.rename_field(old_name, new_name, transformation_ctx)


class DropNullFields(GlueTransform):
    """Leaves out the fields that no record has a value for."""

    def __call__(self, frame, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.drop_nulls(transformation_ctx)


class Filter(GlueTransform):
    """Keeps the records for which a function is true."""

    def __call__(self, frame, f, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.filter(f, transformation_ctx)


class Map(GlueTransform):
    """Applies a function to every record."""

    def __call__(self, frame, f, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.map(f, transformation_ctx=transformation_ctx)


class FlatMap(GlueTransform):
    """Applies a transform to every frame of a collection."""

    def __call__(self, dfc, BaseTransform, frame_name, transformation_ctx="", **base_kwargs):
        def applied(frame, name):
            return BaseTransform.apply(**{frame_name: frame}, transformation_ctx=f"{transformation_ctx}_{name}", **base_kwargs)
        return dfc.flatmap(applied, transformation_ctx)


class MapToCollection(GlueTransform):
    """Applies a transform to every frame of a collection, keeping the names."""

    def __call__(self, dfc, BaseTransform, frame_name, transformation_ctx="", **base_kwargs):
        def applied(frame, name):
            return BaseTransform.apply(**{frame_name: frame}, transformation_ctx=f"{transformation_ctx}_{name}", **base_kwargs)
        return dfc.map(applied, transformation_ctx)


class Join(GlueTransform):
    """Joins two frames where their keys are equal."""

    def __call__(self, frame1, frame2, keys1, keys2, transformation_ctx=""):
        return frame1.join(keys1, keys2, frame2, transformation_ctx)


class Union(GlueTransform):
    """The records of two frames. `unionType` DISTINCT leaves each record once."""

    def __call__(self, frame1, frame2, unionType="ALL", transformation_ctx=""):
        both = frame1.union(frame2, transformation_ctx)
        return both if unionType.upper() == "ALL" else DynamicFrame.fromDF(both.toDF().distinct(), both.glue_ctx, transformation_ctx)


class ResolveChoice(GlueTransform):
    """Resolves fields that hold several types."""

    def __call__(self, frame, specs=None, choice="", transformation_ctx="", database=None, table_name=None, info="",
                 stageThreshold=0, totalThreshold=0, catalog_id=None):
        return frame.resolveChoice(specs, choice, database, table_name, transformation_ctx, catalog_id=catalog_id)


class SplitFields(GlueTransform):
    """Two frames: the named fields, and the others."""

    def __call__(self, frame, paths, name1="Frame1", name2="Frame2", transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.split_fields(paths, name1, name2, transformation_ctx)


class SplitRows(GlueTransform):
    """Two frames: the records that satisfy comparisons, and the others."""

    def __call__(self, frame, comparison_dict, name1="frame1", name2="frame2", transformation_ctx="", info="", stageThreshold=0,
                 totalThreshold=0):
        return frame.split_rows(comparison_dict, name1, name2, transformation_ctx)


class SelectFromCollection(GlueTransform):
    """One frame of a collection."""

    def __call__(self, dfc, key, transformation_ctx=""):
        return dfc.select(key, transformation_ctx)


class Unbox(GlueTransform):
    """Parses a text field."""

    def __call__(self, frame, path, format, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0, **options):
        return frame.unbox(path, format, transformation_ctx, **options)


class UnnestFrame(GlueTransform):
    """Flattens structs."""

    def __call__(self, frame, transformation_ctx="", info="", stageThreshold=0, totalThreshold=0):
        return frame.unnest(transformation_ctx)


class Spigot(GlueTransform):
    """Writes sample records."""

    def __call__(self, frame, path, options=None, transformation_ctx=""):
        return frame.spigot(path, options, transformation_ctx)


class Relationalize(GlueTransform):
    """Flattens structs and arrays into frames."""

    def __call__(self, frame, staging_path=None, name="roottable", options=None, transformation_ctx="", **rest):
        return frame.relationalize(name, staging_path or "", options)


def _refused(name: str, instead: str = "") -> type:
    def call(self, *arguments, **named):
        raise Unsupported(f"the transform {name} is not supported" + (f"; {instead}" if instead else ""))
    return type(name, (GlueTransform,), {"__call__": call, "__doc__": "Refused by name."})


ErrorsAsDynamicFrame = type("ErrorsAsDynamicFrame", (GlueTransform,), {
    "__call__": lambda self, frame, transformation_ctx="": frame.errorsAsDynamicFrame(), "__doc__": "The error records: none."})
FillMissingValues = _refused("FillMissingValues", "fill values with toDF().na.fill(...)")
FindMatches = _refused("FindMatches")
FindIncrementalMatches = _refused("FindIncrementalMatches")
FormatPhoneNumber = _refused("FormatPhoneNumber")
EvaluateDataQuality = _refused("EvaluateDataQuality")
DetectPII = _refused("DetectPII")

__all__ = ["ApplyMapping", "SelectFields", "DropFields", "RenameField", "DropNullFields", "Filter", "Map", "FlatMap",
           "MapToCollection", "Join", "Union", "ResolveChoice", "SplitFields", "SplitRows", "SelectFromCollection", "Unbox",
           "UnnestFrame", "Spigot", "Relationalize", "ErrorsAsDynamicFrame", "FillMissingValues", "FindMatches",
           "FindIncrementalMatches", "FormatPhoneNumber", "EvaluateDataQuality", "DetectPII", "GlueTransform",
           "DynamicFrame", "DynamicFrameCollection"]
