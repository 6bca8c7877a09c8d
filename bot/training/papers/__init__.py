"""What a training puts on paper, and what it takes from files.

exchange    the bank as xlsx, csv, docx and JSON lines, in and out
"""
