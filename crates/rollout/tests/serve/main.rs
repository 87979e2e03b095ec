//! The rollout server over HTTP on port 0, its Python client, and models behind HTTP.

mod jobs;
mod openai;
mod resume;
mod setup;
