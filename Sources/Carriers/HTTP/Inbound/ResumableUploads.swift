internal import Fabric
internal import HTTPTypes
internal import HummingbirdCore

/// Uploads that can be gone on with: the shape of the IETF's draft, with state that outlives this process.
struct ResumableUploads: Sendable {
    let lane: Lane
    let limits: HTTPListenerLimits
    let authenticator: Authenticator
    let slots: UploadSlots
    let sessions: UploadSessions
    let receiver: BodyReceiver
    /// Threads for reading back what is on the disk: few, so that questions do not keep the disk from deliveries.
    let hashing: BlockingWork
    let arrivals: Arrivals

    /// `POST /inbox/<name>` that announces an envelope: begins its upload, or finds it again.
    ///
    /// The signature is over the announced digest, so it is checked before anything else is done. That the envelope is
    /// here already is told only to its sender: the one that has the id of the upload that brought it.
    func open(_ name: ArrivalName, _ exchange: InboxResponder.Exchange) async throws(Refusal) -> Reply {
        let (digest, size) = try announced(exchange)
        let claim = try await authenticator.claim(in: exchange.headers, announcing: digest)
        let authentication = try authenticator.verify(claim, over: digest)
        // Looking for the envelope, and hashing what is held of it, are as much work as taking one in.
        let release = try slots.take(for: sender(claim, exchange))
        defer { release() }
        if let reply = await arrivals.replyToReplay(
            digest, claim: claim, as: authentication, from: exchange, resumedFrom: size)
        {
            return reply
        }
        let announcement = UploadAnnouncement(name: name, digest: digest, size: size, owner: authentication.key)
        let token = UploadOwner.token(parsing: exchange.field(FieldName.uploadToken)) ?? .randomToken()
        let owner = authentication.key.map { UploadOwner.key($0) } ?? token
        let id = UploadID.derive(name: name, digest: digest, size: size, owner: owner)
        let (_, parked) = try await sessions.take(id, for: exchange.channel)
        do throws(Refusal) {
            // Only now: another connection may just have finished the upload.
            if let stored = try await stored(announcement, id) {
                await sessions.release(id, parking: nil)
                let publication = Publication(
                    outcome: .duplicate, requestedName: name, storedName: stored, digest: digest, size: size)
                arrivals.announce(publication, authentication, exchange, resumedFrom: size)
                return arrivals.reply(.duplicate, publication, authentication)
            }
            let deposit: ResumableDeposit
            if let parked { deposit = parked } else { deposit = try await begin(id, announcement) }
            var reply = Self.describe(deposit, status: .created)
            await sessions.release(id, parking: deposit)
            reply.headers[.location] = "/inbox/" + UploadID.directory + "/" + id
            return reply
        } catch {
            await sessions.release(id, parking: nil)
            throw error
        }
    }

    /// `PATCH` of an upload with its rest.
    func append(
        _ id: String, _ exchange: InboxResponder.Exchange, _ writer: borrowing ResponseWriter
    ) async throws(Refusal) -> Reply {
        let (offset, length) = try rest(exchange)
        let claim = try await admit(exchange, to: id)
        let release = try slots.take(for: sender(claim, exchange))
        defer { release() }
        let (holder, deposit) = try await take(id, exchange)
        do throws(Refusal) {
            let authentication = try authenticator.verify(claim, over: deposit.announcement.digest)
            try await prepare(deposit, for: offset, length)
            await exchange.proceed(writer)
            let count = try await receiver.receive(
                exchange.request.body, upTo: length, reportingTo: holder.activity
            ) { bytes throws(LaneError) in
                try deposit.write(bytes)
            }
            guard count == length else { throw .shortBody(count, of: length) }
            let reply = try await finish(deposit, claim, authentication, exchange, offset)
            await sessions.release(id, parking: nil)
            return reply
        } catch {
            await leave(deposit, id, after: error)
            throw error
        }
    }

    /// `HEAD` of an upload: how much of it is held.
    func status(_ id: String, _ exchange: InboxResponder.Exchange) async throws(Refusal) -> Reply {
        let claim = try await admit(exchange, to: id)
        // Opening an upload hashes what it holds.
        let release = try slots.take(for: sender(claim, exchange))
        defer { release() }
        let (_, deposit) = try await take(id, exchange)
        let reply = Self.describe(deposit, status: .noContent)
        await sessions.release(id, parking: deposit)
        return reply
    }

    /// `DELETE` of an upload: nothing of it stays.
    func cancel(_ id: String, _ exchange: InboxResponder.Exchange) async throws(Refusal) -> Reply {
        let claim = try await admit(exchange, to: id)
        let release = try slots.take(for: sender(claim, exchange))
        defer { release() }
        let (_, deposit) = try await take(id, exchange)
        await receiver.work.run { deposit.abandon() }
        await sessions.release(id, parking: nil)
        return Reply(status: .noContent)
    }
}

// MARK: - Steps

extension ResumableUploads {
    /// Digest and size that an announcement must have.
    private func announced(_ exchange: InboxResponder.Exchange) throws(Refusal) -> (Digest, Int64) {
        guard exchange.contentLength == 0 else {
            throw Refusal(.badRequest, "bad-announcement", "an announcement has Content-Length: 0")
        }
        guard let digest = exchange.field(FieldName.reprDigest).flatMap({ StructuredFields.digest(in: $0) }),
            let size = exchange.field(FieldName.uploadLength).flatMap({ StructuredFields.count(in: $0) }), size > 0
        else {
            throw Refusal(
                .badRequest, "bad-announcement", "an announcement has Upload-Length and Repr-Digest with sha-256")
        }
        guard size <= limits.largestBody else { throw .tooLarge(limits.largestBody) }
        return (digest, size)
    }

    /// Offset and length that a `PATCH` must have.
    private func rest(_ exchange: InboxResponder.Exchange) throws(Refusal) -> (offset: Int64, length: Int64) {
        guard exchange.headers[.contentType] == partialUploadType else {
            throw Refusal(.unsupportedMediaType, "bad-type", "the rest of an upload is \(partialUploadType)")
        }
        guard let length = exchange.contentLength else { throw .lengthRequired }
        guard let offset = exchange.field(FieldName.uploadOffset).flatMap({ StructuredFields.count(in: $0) }),
            exchange.field(FieldName.uploadComplete) == StructuredFields.text(of: true)
        else {
            throw Refusal(.badRequest, "bad-rest", "the rest of an upload has Upload-Offset and Upload-Complete: ?1")
        }
        return (offset, length)
    }

    /// Who asks, for counting.
    private func sender(_ claim: Authenticator.Claim, _ exchange: InboxResponder.Exchange) -> UploadSlots.Sender {
        UploadSlots.Sender(claim, authenticator.policy, address: exchange.remoteNetwork)
    }

    /// The stored name of an envelope that the upload `id` brought earlier, if it is still there.
    private func stored(
        _ announcement: UploadAnnouncement, _ id: String
    ) async throws(Refusal) -> ArrivalName? {
        let finished = try await onDisk { lane throws(LaneError) in try lane.finishedUpload(id) }
        guard finished == announcement else { return nil }
        return try await onDisk(hashing) { lane throws(LaneError) in
            try lane.holds(announcement.name, digest: announcement.digest, size: announcement.size)
        }
    }

    private func begin(_ id: String, _ announcement: UploadAnnouncement) async throws(Refusal) -> ResumableDeposit {
        if let deposit = try await onDisk(hashing, { lane throws(LaneError) in try lane.resumeUpload(id) }) {
            return deposit
        }
        let limits = limits
        let owner = announcement.owner
        while true {
            let deposit = try await onDisk { lane throws(LaneError) -> ResumableDeposit? in
                guard try Self.makePlace(in: lane, for: owner, limits) else { return nil }
                return try lane.beginUpload(id, of: announcement)
            }
            if let deposit { return deposit }
            // Uploads that were announced just now are still open. Those without bytes give way as well.
            let idle = await sessions.removeOldestEmpty { Self.mayGiveWay($0, age: $1, for: owner) }
            guard let idle else {
                // The sender falls back to sending all at once.
                throw Refusal(.conflict, "too-many-unfinished", "too many uploads are unfinished")
            }
            await receiver.work.run { idle.abandon() }
        }
    }

    /// Whether one more upload may begin. Old ones, then those that hold no bytes, make place for it.
    private static func makePlace(
        in lane: Lane, for owner: PublicKey?, _ limits: HTTPListenerLimits
    ) throws(LaneError) -> Bool {
        guard try lane.unfinishedUploads() >= limits.unfinishedUploads else { return true }
        try lane.removeUploads(untouchedFor: limits.unfinishedUploadAge)
        while try lane.unfinishedUploads() >= limits.unfinishedUploads {
            guard try lane.removeOldestEmptyUpload(where: { Self.mayGiveWay($0, age: $1, for: owner) }) else {
                return false
            }
        }
        return true
    }

    /// Whether an upload without bytes makes place for one of `owner`: its own, one without an owner, or one whose sender
    /// did not begin to send within a minute, and then only has to announce it again.
    private static func mayGiveWay(_ announcement: UploadAnnouncement?, age: Duration, for owner: PublicKey?) -> Bool {
        guard let other = announcement?.owner else { return true }
        return other == owner || age >= .seconds(60)
    }

    private func take(
        _ id: String, _ exchange: InboxResponder.Exchange
    ) async throws(Refusal) -> (UploadSessions.Holder, ResumableDeposit) {
        let (holder, parked) = try await sessions.take(id, for: exchange.channel)
        if let parked { return (holder, parked) }
        do throws(Refusal) {
            if let deposit = try await onDisk(hashing, { lane throws(LaneError) in try lane.resumeUpload(id) }) {
                return (holder, deposit)
            }
            throw Refusal.noUpload
        } catch {
            await sessions.release(id, parking: nil)
            throw error
        }
    }

    /// Lets through the sender that began the upload, before anything of the upload is touched. To all others there is
    /// no such upload.
    private func admit(
        _ exchange: InboxResponder.Exchange, to id: String
    ) async throws(Refusal) -> Authenticator.Claim {
        let claim = try authenticator.header(of: exchange.headers)
        guard
            let announcement = try await onDisk(
                receiver.work, { lane throws(LaneError) in try lane.announcement(ofUpload: id) }),
            let proven = try? authenticator.proven(claim, over: announcement.digest),
            announcement.owner == nil || announcement.owner == proven.provenKey
        else { throw .noUpload }
        try await authenticator.checkPin(of: proven)
        return proven
    }

    /// Makes the upload end at `offset`: it is there, or it begins again.
    private func prepare(_ deposit: ResumableDeposit, for offset: Int64, _ length: Int64) async throws(Refusal) {
        if offset == 0, deposit.size > 0 { try await onDisk { _ throws(LaneError) in try deposit.restart() } }
        guard offset == deposit.size else {
            var refusal = Refusal(.conflict, "bad-offset", "\(deposit.size) bytes are held, not \(offset)")
            refusal.reply.set(FieldName.uploadOffset, String(deposit.size))
            throw refusal
        }
        let missing = deposit.announcement.size - offset
        guard length == missing else {
            throw Refusal(.badRequest, "bad-rest", "\(length) bytes were announced where \(missing) are missing")
        }
    }

    private func finish(
        _ deposit: ResumableDeposit, _ claim: Authenticator.Claim, _ authentication: HTTPArrival.Authentication,
        _ exchange: InboxResponder.Exchange, _ offset: Int64
    ) async throws(Refusal) -> Reply {
        let work = receiver.work
        // A file is left for each of these, so the sender must have brought something for it.
        let isRemembered = deposit.announcement.size >= limits.rememberedUploadSize
        return try await arrivals.publish(
            deposit.announcement.digest, claim: claim, as: authentication, from: exchange, resumedFrom: offset,
            commit: { () async throws(LaneError) in
                try await work.run { () throws(LaneError) in try deposit.commit(isRemembered: isRemembered) }
            },
            discard: { await work.run { deposit.abandon() } })
    }

    /// Keeps what came, durably, before the upload is let go.
    private func leave(_ deposit: ResumableDeposit, _ id: String, after refusal: Refusal) async {
        // Bytes that belong to nothing are gone from the disk already.
        let isGone = refusal.code == "digest-mismatch"
        if !isGone { await receiver.work.run { try? deposit.suspend() } }
        await sessions.release(id, parking: isGone ? nil : deposit)
    }

    private func onDisk<Value: Sendable>(
        _ work: BlockingWork? = nil, _ body: @escaping @Sendable (Lane) throws(LaneError) -> Value
    ) async throws(Refusal) -> Value {
        let lane = lane
        do {
            return try await (work ?? receiver.work).run { () throws(LaneError) in try body(lane) }
        } catch {
            throw Refusal(error)
        }
    }

    /// What is held, for a sender that has to decide where to go on.
    private static func describe(_ deposit: ResumableDeposit, status: HTTPResponse.Status) -> Reply {
        var reply = Reply(status: status)
        reply.set(FieldName.uploadOffset, String(deposit.size))
        reply.set(FieldName.uploadComplete, StructuredFields.text(of: false))
        reply.set(FieldName.uploadLength, String(deposit.announcement.size))
        reply.set(FieldName.uploadVersion, uploadInteropVersion)
        reply.set(FieldName.prefixDigest, StructuredFields.text(of: deposit.digest))
        reply.headers[.cacheControl] = "no-store"
        return reply
    }
}

extension HTTPArrival.Authentication {
    /// The key that signed, validly; nil without one.
    var key: PublicKey? {
        if case .valid(let key, _) = self { key } else { nil }
    }
}

extension Refusal {
    /// There is no such upload, or it is another sender's.
    static let noUpload = Refusal(.notFound, "no-upload", "there is no such upload of this sender")
}
