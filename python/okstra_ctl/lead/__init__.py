"""`--lead auto`: okstra drives a run itself, in plain deterministic code.

Every step looks at the disk first: what has its valid output there is not done again. So `okstra resume` is
nothing but the same walk once more, and a `kill -9` costs at most the work of the workers it hit.
"""
