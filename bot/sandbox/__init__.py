"""A practice Slack and a practice Partner Center, strict like the real ones.

They are libraries with a thin HTTP server around them, and serve the demo and the tests alike.
Nothing but the command line imports this package.
"""
