"""The bank in the hands of a trainer: what ships, what is added, and what a language model proposes.

shelf       items and drafts in the data folder; nothing gets in that the checks refuse
drafting    a language model's new items, through the same checks
telling     remarks and faults as sentences
"""
