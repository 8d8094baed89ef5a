"""The base of Glue's transforms."""


class GlueTransform:
    """A transform is a class that is used by its `apply`: `ApplyMapping.apply(frame=…, mappings=…)`."""

    @classmethod
    def apply(cls, *args, **kwargs):
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls) -> str:
        return cls.__name__

    @classmethod
    def describe(cls) -> str:
        return (cls.__doc__ or "").strip()
