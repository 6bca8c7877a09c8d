"""The bank as files that trainers know how to edit, in and out; every fault names sheet, row and column.

files        by the kind of file: read one, write one      columns      a row of a sheet <-> a record
tables       xlsx and csv                                  documents    docx: blocks of labelled lines
"""
