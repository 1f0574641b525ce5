/// Who hands over to whom, as a token's `fork_type` says (`triage.md`, section 2).
package enum ForkType: String, Sendable, CaseIterable {
    /// A model hands its context to another one.
    case aiToAI = "ai_to_ai"
    /// A program hands over a stack; what a token is that names no type.
    case script
    /// A person hands over an intention.
    case humanToAI = "human_to_ai"
    /// One of several parts that are worked on at once.
    case fragment
}
