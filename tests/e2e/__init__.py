"""The real commands against a real sandbox process over real HTTP."""
