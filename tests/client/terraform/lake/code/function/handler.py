import faker_names


def main(event, context):
    return {"event": event, "name": faker_names.name()}
