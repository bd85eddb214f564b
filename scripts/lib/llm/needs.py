"""What a project's settings have to name before a server can be asked."""


def unnamed(settings: dict) -> list[str]:
    """A line for each model that is needed and has no name."""
    embedding, llm = settings["embedding"], settings["llm"]
    found = []
    if embedding["engine"] == "openai" and not embedding["model"]:
        found.append("embedding.model: is empty; name the server's embedding model, such as text-embedding-3-small")
    if settings["selection"]["engine"] == "llm" and not llm["model"]:
        found.append("llm.model: is empty; name the language model that is to choose (selection.engine: llm)")
    return found
