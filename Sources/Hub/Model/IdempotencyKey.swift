/// What a client gives along so that asking twice does a thing once: for 24 hours, the same key of the same agent gets
/// the first answer again.
package struct IdempotencyKey: Hashable, Sendable {
    /// Who asks, normalised.
    package let agent: String
    /// The client's text, 128 bytes at most.
    package let text: String

    package init(agent: String, text: String) {
        self.agent = agent
        self.text = text
    }
}
