//! Not written yet.

