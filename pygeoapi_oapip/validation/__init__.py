"""The rules that an execute request has to keep: schemas, contents, bounding boxes, references."""
