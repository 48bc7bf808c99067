//! The program around the library: flags, prompt, scripts, output.
