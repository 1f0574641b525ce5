internal import Fabric
internal import HTTPTypes

/// Publishes what has come, remembers what was signed, and tells the owner.
struct Arrivals: Sendable {
    let lane: Lane
    let work: BlockingWork
    let replays: ReplayMemory
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
            return Self.reply(publication.outcome, publication, authentication)
        }
        if let before = await replays.claim(key) {
            await discard()
            await announceReplay(before, authentication, exchange, resumedFrom: start)
            return Self.reply(.duplicate, before, authentication)
        }
        do throws(Refusal) {
            let publication = try await Self.refusing(commit)
            await replays.settle(key, with: publication)
            announce(publication, authentication, exchange, resumedFrom: start)
            return Self.reply(publication.outcome, publication, authentication)
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
        await announceReplay(before, authentication, exchange, resumedFrom: start)
        return Self.reply(.duplicate, before, authentication)
    }

    private static func refusing(
        _ commit: () async throws(LaneError) -> Publication
    ) async throws(Refusal) -> Publication {
        do { return try await commit() } catch { throw Refusal(error) }
    }

    private static func key(
        _ claim: Authenticator.Claim, _ authentication: HTTPArrival.Authentication, _ digest: Digest
    ) -> ReplayMemory.Key? {
        guard case .plausible(let authorization, _) = claim, case .valid = authentication else { return nil }
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

    /// Tells the owner of a signed delivery that came again, if the lane still has what it brought.
    private func announceReplay(
        _ before: Publication, _ authentication: HTTPArrival.Authentication,
        _ exchange: InboxResponder.Exchange, resumedFrom start: Int64
    ) async {
        let lane = lane
        let stored = await work.run {
            try? lane.holds(before.requestedName, digest: before.digest, size: before.size)
        }
        guard let stored else { return }
        let publication = Publication(
            outcome: .duplicate, requestedName: before.requestedName, storedName: stored, digest: before.digest,
            size: before.size)
        announce(publication, authentication, exchange, resumedFrom: start)
    }

    /// 201 for what was stored now, 200 for what was here, with the peers' text and our fields.
    static func reply(
        _ outcome: Publication.Outcome, _ publication: Publication, _ authentication: HTTPArrival.Authentication
    ) -> Reply {
        var reply = Reply.text(
            outcome == .duplicate ? .ok : .created,
            "created \(publication.storedName) (\(publication.size) bytes) [\(authentication.note)]\n")
        reply.set(FieldName.storedName, publication.storedName.text)
        reply.set(FieldName.reprDigest, StructuredFields.text(of: publication.digest))
        reply.set(FieldName.outcome, outcome.rawValue)
        reply.set(FieldName.uploadComplete, StructuredFields.text(of: true))
        return reply
    }
}
