"""What answers an episode's calls beside the mock: a model that plays the API.

An executor is an httpx transport, one an episode, so that no two episodes ever see each other. It is given requests
that conform to the document; what it answers is held against the document, the request and what it answered before.
"""
