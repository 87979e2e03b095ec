//! Candidates as a tree of tokens: at each node, which tokens may come next.

/// A set of continuations, none a prefix of another.
#[derive(Clone, Debug)]
pub(crate) struct CandidateTrie {
    /// The root is node 0.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Next tokens, ascending, with the nodes that they lead to.
    children: Vec<(u32, usize)>,
    /// Nodes with a choice on the longest way down from here, this one included.
    n_choices: usize,
}

/// A place in a trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(usize);

impl CandidateTrie {
    pub(crate) const ROOT: NodeId = NodeId(0);

    /// # Errors
    /// If there is no candidate, an empty one, one that begins with another, or a token outside the vocabulary.
    pub(crate) fn new(candidates: &[Vec<u32>], vocab_size: usize) -> Result<Self, String> {
        if candidates.is_empty() {
            return Err("no candidates".to_owned());
        }
        let mut trie = Self { nodes: vec![Node::default()] };
        for (idx, candidate) in candidates.iter().enumerate() {
            if let Some(id) = candidate.iter().find(|&&id| id as usize >= vocab_size) {
                return Err(format!(
                    "candidate {idx} holds token {id}, outside the vocabulary of {vocab_size}"
                ));
            }
            trie.insert(candidate)
                .map_err(|()| format!("candidate {idx} is empty, or it and another overlap"))?;
        }
        trie.count_choices(0);
        Ok(trie)
    }

    fn insert(&mut self, candidate: &[u32]) -> Result<(), ()> {
        let mut node = 0;
        let mut is_new = false;
        for &token in candidate {
            // An old leaf is the end of another candidate.
            if node != 0 && !is_new && self.nodes[node].children.is_empty() {
                return Err(());
            }
            node = match self.nodes[node].children.binary_search_by_key(&token, |child| child.0) {
                Ok(at) => self.nodes[node].children[at].1,
                Err(at) => {
                    is_new = true;
                    let fresh = self.nodes.len();
                    self.nodes.push(Node::default());
                    self.nodes[node].children.insert(at, (token, fresh));
                    fresh
                }
            };
        }
        if is_new { Ok(()) } else { Err(()) }
    }

    fn count_choices(&mut self, node: usize) -> usize {
        let children: Vec<usize> = self.nodes[node].children.iter().map(|child| child.1).collect();
        let below = children.iter().map(|&child| self.count_choices(child)).max().unwrap_or(0);
        self.nodes[node].n_choices = below + usize::from(children.len() > 1);
        self.nodes[node].n_choices
    }

    /// Tokens allowed at a node, ascending; none at the end of a candidate.
    pub(crate) fn allowed(&self, node: NodeId) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.nodes[node.0].children.iter().map(|child| child.0)
    }

    /// The only token allowed, if there is just one.
    pub(crate) fn forced(&self, node: NodeId) -> Option<u32> {
        match self.nodes[node.0].children.as_slice() {
            [(token, _)] => Some(*token),
            _ => None,
        }
    }

    pub(crate) fn is_leaf(&self, node: NodeId) -> bool {
        self.nodes[node.0].children.is_empty()
    }

    /// Choices on the longest way to a leaf.
    pub(crate) fn n_choices(&self, node: NodeId) -> usize {
        self.nodes[node.0].n_choices
    }

    /// Where an allowed token leads.
    ///
    /// # Panics
    /// If the token is not allowed at the node.
    pub(crate) fn step(&self, node: NodeId, token: u32) -> NodeId {
        let children = &self.nodes[node.0].children;
        let at =
            children.binary_search_by_key(&token, |child| child.0).expect("only allowed tokens are drawn");
        NodeId(children[at].1)
    }
}

#[cfg(test)]
mod tests;
