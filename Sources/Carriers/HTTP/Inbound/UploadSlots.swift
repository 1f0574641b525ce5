internal import Fabric
internal import HTTPTypes
internal import Synchronization

/// Counts the bodies that come in at once: all together, by sender, and those whose sender cannot be proven first.
final class UploadSlots: Sendable {
    /// Who asks for a slot.
    struct Sender: Sendable {
        /// What is counted: the address of the connection, the key of a proven sender, or both.
        let accounts: [String]
        /// Whether a signature is required and can be checked only after the body.
        let isUnproven: Bool
    }

    private let limit: Int
    private let perSender: Int
    private let unproven: Int
    private let used = Mutex(Use())

    private struct Use: Sendable {
        var all = 0
        var unproven = 0
        var byAccount: [String: Int] = [:]
    }

    init(_ limits: HTTPListenerLimits) {
        limit = limits.concurrentUploads
        perSender = limits.uploadsPerSender ?? (limits.concurrentUploads + 1) / 2
        unproven = min(limits.unprovenUploads, limits.concurrentUploads)
    }

    /// Takes a slot.
    ///
    /// - Returns: What gives it back; to be called once.
    /// - Throws: 429 when none is free for this sender.
    func take(for sender: Sender) throws(Refusal) -> () -> Void {
        let refusal: String? = used.withLock { used in
            // One sender of many must leave slots to others, so half of the few that need no proof is the most.
            let most = sender.isUnproven ? min(perSender, (unproven + 1) / 2) : perSender
            guard used.all < limit else { return "\(limit) uploads are under way" }
            guard !sender.isUnproven || used.unproven < unproven else {
                return "\(unproven) uploads without Repr-Digest are under way"
            }
            guard sender.accounts.allSatisfy({ used.byAccount[$0, default: 0] < most }) else {
                return "\(most) uploads of this sender are under way"
            }
            used.all += 1
            if sender.isUnproven { used.unproven += 1 }
            for account in sender.accounts { used.byAccount[account, default: 0] += 1 }
            return nil
        }
        if let refusal { throw Refusal(.tooManyRequests, "busy", refusal).with(.retryAfter, "1") }
        return { self.give(back: sender) }
    }

    private func give(back sender: Sender) {
        used.withLock { used in
            used.all -= 1
            if sender.isUnproven { used.unproven -= 1 }
            for account in sender.accounts {
                let left = used.byAccount[account, default: 1] - 1
                used.byAccount[account] = left > 0 ? left : nil
            }
        }
    }
}

extension UploadSlots.Sender {
    /// The sender of a request: with a list of keys the key is what counts, as many keys may share a proxy's address;
    /// without one every key is as good as a new one, so the address counts as well.
    init(_ claim: Authenticator.Claim, _ policy: AuthorizationPolicy, address: String) {
        let key = claim.provenKey
        isUnproven = policy.requiresSignature && key == nil
        accounts =
            (policy.trustedKeys.isEmpty || key == nil ? ["address:" + address] : [])
            + (key.map { ["key:" + $0.hex] } ?? [])
    }
}
