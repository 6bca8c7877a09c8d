"""Workshop for the bundled encoder: float weights out of the int8 file, fine-tuning, and back into int8.

Nothing here is imported when a question is answered; it needs the extra `sbert` (torch, sentence-transformers, onnx).

    python -m knowledge.encoders.float_weights OUT    the bundled int8 ONNX as a sentence-transformers folder
    python -m knowledge.encoders.fine_tuning OUT      the base model, fine-tuned, in the bundled form
    python -m knowledge.encoders.ship_questions       vectors of the written questions
"""
