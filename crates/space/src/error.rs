//! What can be wrong with a space, a genotype, a context or a space file, and where.

use nasmyth_graph::{GraphError, OpError};
use thiserror::Error;

/// A space that cannot be made, a genotype that does not belong to it, or a network that cannot be lowered.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum SpaceError {
    /// Two genes have one path.
    #[error("two choices are called `{path}`: paths address genes and must be unique, so rename one of them")]
    DuplicatePath {
        /// The path.
        path: String,
    },
    /// A choice, a range or a name that a tree cannot hold.
    #[error("`{path}`: expected {expected}, got {got}")]
    Tree {
        /// Path of the choice.
        path: String,
        /// What a tree may hold there.
        expected: String,
        /// What it held.
        got: String,
    },
    /// A tree that unfolds into too many genes.
    #[error(
        "the space unfolds into more than {limit} genes: lower the upper bounds of its repeats, above all of nested ones"
    )]
    TooManyGenes {
        /// Largest number of genes.
        limit: usize,
    },
    /// Genotype text that does not parse.
    #[error(
        "genotype `{text}`: expected choices such as `0_2_1` or `path=value` pairs, got `{got}` at position {position}"
    )]
    GenotypeText {
        /// The text, shortened.
        text: String,
        /// The part that does not parse.
        got: String,
        /// Which part, from 1.
        position: usize,
    },
    /// A genotype that is shorter or longer than its own choices ask for.
    #[error(
        "the genotype has {got} genes where space `{space}` needs {expected}: it was made by another space or another version of it"
    )]
    GenotypeLength {
        /// Name of the space.
        space: String,
        /// Genes that its choices ask for.
        expected: usize,
        /// Genes that it has.
        got: usize,
    },
    /// A gene value that the space does not offer.
    #[error("gene `{path}`: expected {expected}, got {got}")]
    Gene {
        /// Path of the gene.
        path: String,
        /// Its domain.
        expected: String,
        /// The value.
        got: String,
    },
    /// A genotype that a restricted space leaves out.
    #[error("genotype `{genotype}` is not among those that space `{space}` is restricted to")]
    NotAMember {
        /// Name of the space.
        space: String,
        /// The genotype.
        genotype: String,
    },
    /// A path that names no gene of the space.
    #[error("no gene is called `{path}`{}", did_you_mean(nearest))]
    UnknownPath {
        /// The path asked for.
        path: String,
        /// The path that looks most like it.
        nearest: Option<String>,
    },
    /// A gene that exists in the space, but not under the choices made.
    #[error("gene `{path}` does not exist here: it belongs to an option or a repetition that is not chosen")]
    AbsentGene {
        /// Path of the gene.
        path: String,
    },
    /// A graph that does not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// An operator that refused its attributes.
    #[error(transparent)]
    Op(#[from] OpError),
    /// A value of a shape that a layer cannot take.
    #[error("expected {expected}, got {got}")]
    Shape {
        /// What the layer takes.
        expected: String,
        /// What came.
        got: String,
    },
    /// A network of a space that cannot be built.
    #[error("space `{space}`: the network with `{genotype}` cannot be built: {source}")]
    Unbuildable {
        /// Name of the space.
        space: String,
        /// The choices.
        genotype: String,
        /// What went wrong.
        source: Box<SpaceError>,
    },
    /// An error while lowering one layer of a space file.
    #[error("{at}: {source}")]
    Layer {
        /// Where in the file.
        at: String,
        /// What went wrong there.
        source: Box<SpaceError>,
    },
    /// Data that no network can be made for.
    #[error("context: `{field}`: expected {expected}, got {got}")]
    Context {
        /// Which part of the context.
        field: &'static str,
        /// What it may be.
        expected: String,
        /// What it was.
        got: String,
    },
    /// A name that is neither a preset nor a file.
    #[error(
        "unknown space `{name}`{}: expected `auto`, a path that ends in .toml, or one of {known}",
        did_you_mean(nearest)
    )]
    UnknownSpace {
        /// The name asked for.
        name: String,
        /// The name that looks most like it.
        nearest: Option<String>,
        /// All names.
        known: String,
    },
    /// A file that cannot be read.
    #[error("space file `{path}` cannot be read: {message}")]
    File {
        /// Its path.
        path: String,
        /// What the system said.
        message: String,
    },
    /// A file that is no TOML.
    #[error("the space file is not valid TOML: {message}")]
    Syntax {
        /// Line, column and cause, from the TOML reader.
        message: String,
    },
    /// A part of a space file that means nothing.
    #[error("{at}: expected {expected}, got {got}{}", did_you_mean(nearest))]
    Language {
        /// Where in the file, e.g. `layer 2 (conv), kernel`.
        at: String,
        /// What may stand there.
        expected: String,
        /// What stands there.
        got: String,
        /// The known word that looks most like it.
        nearest: Option<String>,
    },
}

impl SpaceError {
    /// The same error, said to have happened in `at`.
    pub(crate) fn within(self, at: &str) -> Self {
        match self {
            Self::Layer { .. } | Self::Language { .. } => self,
            source => Self::Layer { at: at.to_owned(), source: Box::new(source) },
        }
    }
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |n| format!(" (did you mean `{n}`?)"))
}

/// The known word that looks most like `word`, if any comes close.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let word = word.to_lowercase();
    // Short words with one slip look unlike each other to the measure of likeness.
    let likeness = |k: &str| match strsim::damerau_levenshtein(&word, &k.to_lowercase()) {
        0 | 1 => 1.0,
        _ => strsim::jaro_winkler(&word, &k.to_lowercase()),
    };
    let scored = known.into_iter().map(|k| (likeness(k), k));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.7).then(|| best.1.to_owned())
}

/// Text cut to a length that fits into a message.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
