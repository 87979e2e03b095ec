//! The reward lab.
