"""The voices that are fetched by name: where their makers publish them, and how their files are known."""

KOKORO_URL = "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.1"
KOKORO_VOICES = "voices-v1.0.bin", "bca610b8308e8d99f32e6fe4197e7ec01679264efed0cac9140fe9c29f1fbf7d"
KOKORO = {
    "kokoro-v1.0": "beb0d1848dee9a49da392cc3df26958d46cfa35d321edf434f52949153f0df3a",
    "kokoro-v1.0.fp16": "f3a290d384fbb27966d462905c71a46cef9e5fd00516b40df32a0b4afe77ac96",
    "kokoro-v1.0.int8": "ae315a79b623f244700e4afb9246c46a26066782e049ba174bf3ba433970ee9c",
}
"""The models and their SHA-256, as GitHub lists them for this release: the first whose models tell the lengths of
their sounds. The best one comes first."""

PIPER_URL = "https://huggingface.co/rhasspy/piper-voices/resolve/v1.0.0"
"""Its voices.json lists every voice's files with their sizes and MD5 digests."""
