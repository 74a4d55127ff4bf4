//! `defender config`: looking at the settings file and changing it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print which settings file is read, and where one is looked for
    Path(SettingsOptions),
    /// Print the settings, secrets left out
    Show(SettingsOptions),
    /// Check the settings file
    Validate(SettingsOptions),
    /// Write a settings file to start from
    Init(ConfigInitOptions),
    /// Change one setting; comments, order and everything else stay
    Set(Box<ConfigSetOptions>),
    /// Open the settings file in $VISUAL or $EDITOR, and check it afterwards
    Edit(ConfigEditOptions),
}

#[derive(Debug, Args)]
pub(crate) struct SettingsOptions {
    /// The settings file [default: $MSTICPYCONFIG, ./msticpyconfig.yaml, ~/.msticpy/msticpyconfig.yaml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigInitOptions {
    /// The file to write [default: ./msticpyconfig.yaml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigEditOptions {
    /// The settings file [default: $MSTICPYCONFIG, ./msticpyconfig.yaml, ~/.msticpy/msticpyconfig.yaml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the docs are the help text")]
pub(crate) struct ConfigSetOptions {
    /// The setting, such as DataProviders.MicrosoftDefender.Args.ClientSecret
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// The value; a secret comes by --stdin or --prompt
    #[arg(value_name = "VALUE", group = "value")]
    pub(crate) text: Option<String>,
    /// Read the value from standard input [default: when it is no terminal, and no value is given]
    #[arg(long, group = "value")]
    pub(crate) stdin: bool,
    /// Ask for the value, without showing it
    #[arg(long, group = "value")]
    pub(crate) prompt: bool,
    /// Write a reference to this environment variable instead of a value
    #[arg(long, value_name = "VARIABLE", group = "value")]
    pub(crate) environment_var: Option<String>,
    /// Write the value into this Key Vault secret and a reference to it into the file: NAME or
    /// VAULT/NAME; `default` names it after the setting
    #[arg(long, value_name = "NAME", conflicts_with_all = ["environment_var", "text"])]
    pub(crate) key_vault: Option<String>,
    /// The settings file [default: $MSTICPYCONFIG, ./msticpyconfig.yaml, ~/.msticpy/msticpyconfig.yaml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The proxy to go through to Key Vault [default: $HTTPS_PROXY, then the settings]
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// More certificate authorities to trust, as PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Never ask a question
    #[arg(long, conflicts_with = "prompt")]
    pub(crate) no_input: bool,
}
