//! Who depends on whom, from `cargo metadata`, and what ends up in whom, from `cargo tree`.
//!
//! Metadata alone would not do: it resolves features for all members together, so that the
//! server's features would seem to drag its crates into the client.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use hallpass_testkit::tree;

/// One package of the resolved graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    pub(crate) version: String,
    pub(crate) licence: Option<String>,
    /// Ids of the packages that end up in it; not what only its tests or build script use.
    pub(crate) uses: BTreeSet<String>,
    /// Names that its manifest may use but need not.
    pub(crate) optional: BTreeSet<String>,
}

/// Package ids (`name version`) and packages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) packages: BTreeMap<String, Package>,
    pub(crate) members: BTreeSet<String>,
    /// What ends up in each member, built by itself. Empty in a graph that is made up.
    built: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// This workspace, as resolved for the platform that the servers run on.
    pub(crate) fn of_this_workspace() -> Self {
        let metadata = MetadataCommand::new()
            .manifest_path(tree::root().join("Cargo.toml"))
            .other_options(
                ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"]
                    .map(str::to_owned)
                    .to_vec(),
            )
            .exec()
            .expect("cargo metadata");
        let mut graph = Self::from_metadata(&metadata);
        let members = graph.members.iter().map(|id| name_of(id).to_owned());
        graph.built = members.map(|name| (name.clone(), built(&name))).collect();
        graph
    }

    fn from_metadata(metadata: &Metadata) -> Self {
        let id = |id: &cargo_metadata::PackageId| {
            let package = &metadata[id];
            format!("{} {}", package.name, package.version)
        };
        let mut graph = Graph {
            members: metadata.workspace_members.iter().map(id).collect(),
            ..Graph::default()
        };
        let resolve = metadata.resolve.as_ref().expect("a resolved graph");
        for node in &resolve.nodes {
            let package = &metadata[&node.id];
            let is_normal = |dep: &&cargo_metadata::NodeDep| {
                dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
            };
            let optional = package.dependencies.iter().filter(|dep| dep.optional);
            graph.packages.insert(
                id(&node.id),
                Package {
                    version: package.version.to_string(),
                    licence: package.license.clone(),
                    uses: node.deps.iter().filter(is_normal).map(|dep| id(&dep.pkg)).collect(),
                    optional: optional.map(|dep| dep.name.clone()).collect(),
                },
            );
        }
        graph
    }

    /// A graph made up for a test: members and what they use.
    pub(crate) fn made_up(members: &[(&str, &[&str])]) -> Self {
        let mut graph = Graph::default();
        for (name, uses) in members {
            let package = Package {
                version: "1.0.0".to_owned(),
                licence: Some("MIT".to_owned()),
                uses: uses.iter().map(|used| format!("{used} 1.0.0")).collect(),
                ..Package::default()
            };
            for used in &package.uses {
                graph.packages.entry(used.clone()).or_default();
            }
            graph.packages.insert(format!("{name} 1.0.0"), package);
            graph.members.insert(format!("{name} 1.0.0"));
        }
        graph
    }

    /// The member named `name`.
    pub(crate) fn member(&self, name: &str) -> Option<&Package> {
        let id = self.members.iter().find(|id| name_of(id) == name)?;
        self.packages.get(id)
    }

    /// Everything that ends up in the packages named, themselves included.
    pub(crate) fn reach(&self, names: &[&str]) -> BTreeSet<String> {
        if !self.built.is_empty() {
            return names
                .iter()
                .filter_map(|name| self.built.get(*name))
                .flatten()
                .cloned()
                .collect();
        }
        let mut reached = BTreeSet::new();
        let mut next: Vec<String> =
            self.members.iter().filter(|id| names.contains(&name_of(id))).cloned().collect();
        while let Some(id) = next.pop() {
            if let (true, Some(package)) = (reached.insert(id.clone()), self.packages.get(&id)) {
                next.extend(package.uses.iter().cloned());
            }
        }
        reached
    }
}

/// What ends up in a member that is built by itself: no build scripts, no macros.
fn built(member: &str) -> BTreeSet<String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p}", "--package", member])
        .args(["--edges", "normal,no-proc-macro", "--target", "x86_64-unknown-linux-gnu"])
        .current_dir(tree::root())
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (name, version) = (words.next()?, words.next()?);
            Some(format!("{name} {}", version.trim_start_matches('v')))
        })
        .collect()
}

/// The name in `name version`.
pub(crate) fn name_of(id: &str) -> &str {
    id.split(' ').next().unwrap_or(id)
}

/// The README's first command is `cargo run`: it must know what to run, whatever binaries the
/// tests, the bench and the examples have.
#[test]
fn what_cargo_runs_is_hallpass() {
    let metadata = MetadataCommand::new()
        .manifest_path(tree::root().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let run: Vec<&str> = metadata
        .workspace_default_packages()
        .into_iter()
        .flat_map(|package| &package.targets)
        .filter(|target| target.is_bin())
        .map(|target| target.name.as_str())
        .collect();
    assert_eq!(run, ["hallpass"]);
}
