def name():
    return "Ana"
