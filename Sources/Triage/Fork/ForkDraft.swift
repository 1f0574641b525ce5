package import Fabric

/// What somebody wants to hand over, before it is a token (`triage.md`, section 2, «Creating from a stack»).
package struct ForkDraft: Sendable {
    /// The stack that it comes from; nil where there is none.
    package var stack: UPIPStack?
    /// The digest and the path of a file that holds the state of mind; nil where there is none.
    package var memory: (digest: Digest, path: String)?
    /// What it is for; empty for what the stack's process is for.
    package var intent = ""
    /// Who hands over to whom.
    package var type = ForkType.script
    /// Where to go on.
    package var continuationPoint = "L4:post_result"
    /// Who hands over; empty for this host and whoever made the stack, as peers have it.
    package var actorFrom = ""
    /// Who is to go on; empty for anybody.
    package var actorTo = ""
    /// Python packages that must be there, each as a requirement with its versions.
    package var packages: [String] = []
    /// Whether a GPU is needed.
    package var needsGPU = false
    /// When it is not to be taken up any more.
    package var expiry: Timestamp?

    /// A draft of nothing yet.
    package init() {}

    /// The token, with both hashes.
    ///
    /// - Parameters:
    ///   - id: What to call it.
    ///   - host: The name of this host.
    package func token(id: String = ForkName.freshID(), host: String, at moment: Timestamp = .now()) throws(ForkFault)
        -> ForkToken
    {
        let creator = stack?.createdBy ?? ""
        let from = actorFrom.isEmpty ? "\(host):\(creator.isEmpty ? "unknown" : creator)" : actorFrom
        let intent = intent.isEmpty ? stack?.intent ?? "" : intent
        let memoryHash = memoryHash(intent: intent)
        let fields: JSONObject = [
            "fork_id": .text(id), "parent_hash": .text(memoryHash), "parent_stack_hash": .text(stack?.hash ?? ""),
            "continuation_point": .text(continuationPoint), "intent_snapshot": .text(intent),
            "active_memory_hash": .text(memoryHash), "memory_ref": .text(memory?.path ?? ""),
            "fork_type": .text(type.rawValue), "actor_from": .text(from), "actor_to": .text(actorTo),
            "actor_handoff": .text("\(from) -> \(actorTo.isEmpty ? "*" : actorTo)"),
            "capability_required": .object(requirements), "forked_at": .text(ForkTime.text(moment)),
            "expires_at": .text(expiry.map(ForkTime.text) ?? ""), "metadata": [:],
            "partial_layers": .object(stack?.layers ?? [:]),
        ]
        return try ForkToken(fields: fields).hashed()
    }

    /// The file's where there is one, else the stack's, else that of the intent: for a person who hands over an
    /// intention, that is all there is.
    private func memoryHash(intent: String) -> String {
        if let memory { return "sha256:" + memory.digest.hex }
        return stack?.memoryHash ?? "sha256:" + Digest(of: intent.utf8).hex
    }

    private var requirements: JSONObject {
        var requirements = JSONObject()
        if !packages.isEmpty { requirements["deps"] = .texts(packages) }
        if needsGPU { requirements["gpu"] = true }
        return requirements
    }
}
