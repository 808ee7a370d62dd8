# GGUF files alone, for those who need no graphs.
alref_add_library(gguf SOURCES gguf_reader.cc gguf_values.cc gguf_writer.cc LIBS alref_core ggml-base)
