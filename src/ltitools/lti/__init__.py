"""The protocol and nothing else: no SQL, no Flask, no knowledge of tools. The only importer of pylti1p3."""
