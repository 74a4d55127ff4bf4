//! msticpyconfig.yaml and connection strings, typed; secrets stay references.
