"""Understanding: text in, parse data (intent, entities, ranking) out."""
