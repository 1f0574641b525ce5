internal import Fabric
internal import HTTPTypes

/// Publishes what has come, remembers what was signed, and tells the owner.
struct Arrivals: Sendable {
    let lane: Lane
    let work: BlockingWork
    let replays: ReplayMemory
    /// Signs receipts; nil for none.
    let receiptKey: SigningKey?
    let stream: AsyncStream<HTTPArrival>.Continuation

    /// Publishes with `commit` unless the same signed delivery was published before; then `discard` is called.
    func publish(
        _ digest: Digest, claim: Authenticator.Claim, as authentication: HTTPArrival.Authentication,
        from exchange: InboxResponder.Exchange, resumedFrom start: Int64,
        commit: () async throws(LaneError) -> Publication, discard: () async -> Void
    ) async throws(Refusal) -> Reply {
        guard let key = Self.key(claim, authentication, digest) else {
            let publication = try await Self.refusing(commit)
            announce(publication, authentication, exchange, resumedFrom: start)
            return reply(publication.outcome, publication, authentication)
        }
        if let before = await replays.claim(key) {
            await discard()
            return await replyToReplay(before, authentication, exchange, resumedFrom: start)
        }
        do throws(Refusal) {
            let publication = try await Self.refusing(commit)
            await replays.settle(key, with: publication)
            announce(publication, authentication, exchange, resumedFrom: start)
            return reply(publication.outcome, publication, authentication)
        } catch {
            await replays.settle(key, with: nil)
            throw error
        }
    }

    /// The reply for an envelope that is here already; nil when the same signed delivery was not seen.
    func replyToReplay(
        _ digest: Digest, claim: Authenticator.Claim, as authentication: HTTPArrival.Authentication,
        from exchange: InboxResponder.Exchange, resumedFrom start: Int64
    ) async -> Reply? {
        guard let key = Self.key(claim, authentication, digest), let before = await replays.outcome(of: key) else {
            return nil
        }
        return await replyToReplay(before, authentication, exchange, resumedFrom: start)
    }

    private static func refusing(
        _ commit: () async throws(LaneError) -> Publication
    ) async throws(Refusal) -> Publication {
        do { return try await commit() } catch { throw Refusal(error) }
    }

    private static func key(
        _ claim: Authenticator.Claim, _ authentication: HTTPArrival.Authentication, _ digest: Digest
    ) -> ReplayMemory.Key? {
        guard let authorization = claim.authorization, case .valid = authentication else { return nil }
        return ReplayMemory.Key(signer: authorization.key, timestamp: authorization.timestamp, digest: digest)
    }

    /// Tells the owner what is in the lane now, also when it was there before: the owner may have failed to process it.
    func announce(
        _ publication: Publication, _ authentication: HTTPArrival.Authentication,
        _ exchange: InboxResponder.Exchange, resumedFrom start: Int64
    ) {
        stream.yield(
            HTTPArrival(
                publication: publication, authentication: authentication, remoteAddress: exchange.remoteAddress,
                date: .now(), resumedFrom: start))
    }

    /// Answers a signed delivery that came again, and tells the owner, if the lane still has what it brought.
    private func replyToReplay(
        _ before: Publication, _ authentication: HTTPArrival.Authentication,
        _ exchange: InboxResponder.Exchange, resumedFrom start: Int64
    ) async -> Reply {
        let lane = lane
        let stored = await work.run {
            try? lane.holds(before.requestedName, digest: before.digest, size: before.size)
        }
        // What is signed must be true: the owner may have taken the envelope away.
        guard let stored else { return reply(.duplicate, before, authentication, isStored: false) }
        let publication = Publication(
            outcome: .duplicate, requestedName: before.requestedName, storedName: stored, digest: before.digest,
            size: before.size)
        announce(publication, authentication, exchange, resumedFrom: start)
        return reply(.duplicate, publication, authentication)
    }

    /// 201 for what was stored now, 200 for what was here, with the peers' text and our fields.
    ///
    /// - Parameter isStored: Whether the lane has it at this moment, which the receiver can sign.
    func reply(
        _ outcome: Publication.Outcome, _ publication: Publication, _ authentication: HTTPArrival.Authentication,
        isStored: Bool = true
    ) -> Reply {
        var reply = Reply.text(
            outcome == .duplicate ? .ok : .created,
            "created \(publication.storedName) (\(publication.size) bytes) [\(authentication.note)]\n")
        reply.set(FieldName.storedName, publication.storedName.text)
        reply.set(FieldName.reprDigest, StructuredFields.text(of: publication.digest))
        reply.set(FieldName.outcome, outcome.rawValue)
        if isStored, let receiptKey {
            let receipt = SignedReceipt(of: publication.digest, storedAs: publication.storedName, by: receiptKey)
            reply.set(FieldName.receipt, receipt.text)
        }
        reply.set(FieldName.uploadComplete, StructuredFields.text(of: true))
        return reply
    }
}
