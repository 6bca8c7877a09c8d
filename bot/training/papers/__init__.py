"""What a training puts on paper, and what it takes from files.

document    what stands on a paper            lines      where lines of Chinese may end
handout     Results -> Document               faces      which font shows a character
exam_papers questions -> paper, answer key    layout     Document -> pages; what belongs together stays together
workbook    Results -> xlsx                   pdf, word, charts    pages -> PDF, Document -> docx, bars -> picture
files       names, and writing them whole     exchange   the bank as xlsx, csv, docx and JSON lines, in and out
"""
