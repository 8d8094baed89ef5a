"""AWS Glue's Python library, over the PySpark that the job runs on.

Scripts written for Glue import these modules by AWS's own names:

  awsglue.utils          getResolvedOptions
  awsglue.context        GlueContext: frames from the catalog and from files, and sinks
  awsglue.job            Job: init, commit, bookmarks
  awsglue.dynamicframe   DynamicFrame, DynamicFrameCollection
  awsglue.transforms     ApplyMapping, ResolveChoice, Filter, Join, …

A DynamicFrame stands on a DataFrame. What Glue has and this library has not is refused by name (`Unsupported`).
`awsglue.utils` needs no PySpark, so that Python shell jobs can import it.
"""


def __getattr__(name: str):
    if name in ("DynamicFrame", "DynamicFrameCollection"):
        from awsglue import dynamicframe
        return getattr(dynamicframe, name)
    raise AttributeError(f"module 'awsglue' has no attribute {name!r}")
