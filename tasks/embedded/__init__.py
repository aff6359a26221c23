"""The embedded teacher: a grammar behind the interface of chat completions, which answers from the request alone.

    app.py        the interface: a request's bytes to a response's;  roles.py  which role a request asks for
    user/         writes requests and replies; `phrases.yaml` is how it words them
    assistant/    calls, asks back and responds; `phrases.yaml` is how it words that
    writer/       writes documentation and OpenAPI documents, from `knowledge/`
    erring.py     mistakes planted on purpose, worded in `erring.yaml`

What user and assistant share: `tool_roles.py` and `describing.py` say what a function is about (by `words.yaml`),
`plans.py` what a request asks for; `slots.py` and `speech.py` how parameters and values are said, `request_reading.py`
how it is all read.
"""
