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
    let arrivals: Arrivals

    /// `POST /inbox/<name>` that announces an envelope: begins its upload, or finds it again.
    ///
    /// The signature is over the announced digest, so it is checked before a byte comes.
    func open(_ name: ArrivalName, _ exchange: InboxResponder.Exchange) async throws(Refusal) -> Reply {
        let (digest, size) = try announced(exchange)
        let claim = try await authenticator.claim(in: exchange.headers)
        let authentication = try authenticator.verify(claim, over: digest)
        // Looking for the envelope, and hashing what is held of it, are as much work as taking one in.
        let release = try slots.take()
        defer { release() }
        if let reply = await arrivals.replyToReplay(
            digest, claim: claim, as: authentication, from: exchange, resumedFrom: size)
        {
            return reply
        }
        let announcement = UploadAnnouncement(name: name, digest: digest, size: size, owner: authentication.key)
        let id = UploadID.derive(name: name, digest: digest, size: size, owner: announcement.owner)
        let (_, parked) = try await sessions.take(id, for: exchange.channel)
        do throws(Refusal) {
            // Only now: whoever had the upload before may just have finished it.
            let held = try await onDisk { lane throws(LaneError) in try lane.holds(name, digest: digest, size: size) }
            if let stored = held {
                await sessions.release(id, parking: nil)
                let publication = Publication(
                    outcome: .duplicate, requestedName: name, storedName: stored, digest: digest, size: size)
                arrivals.announce(publication, authentication, exchange, resumedFrom: size)
                return Arrivals.reply(.duplicate, publication, authentication)
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
        let claim = try await authenticator.claim(in: exchange.headers)
        let release = try slots.take()
        defer { release() }
        let (holder, deposit) = try await take(id, exchange)
        do throws(Refusal) {
            let authentication = try admit(claim, to: deposit.announcement)
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
        // Opening an upload hashes what it holds.
        let release = try slots.take()
        defer { release() }
        let deposit = try await takeAdmitted(id, exchange)
        let reply = Self.describe(deposit, status: .noContent)
        await sessions.release(id, parking: deposit)
        return reply
    }

    /// `DELETE` of an upload: nothing of it stays.
    func cancel(_ id: String, _ exchange: InboxResponder.Exchange) async throws(Refusal) -> Reply {
        let release = try slots.take()
        defer { release() }
        let deposit = try await takeAdmitted(id, exchange)
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

    private func begin(_ id: String, _ announcement: UploadAnnouncement) async throws(Refusal) -> ResumableDeposit {
        let limits = limits
        while true {
            let deposit = try await onDisk { lane throws(LaneError) -> ResumableDeposit? in
                if let deposit = try lane.resumeUpload(id) { return deposit }
                guard try Self.makePlace(in: lane, limits) else { return nil }
                return try lane.beginUpload(id, of: announcement)
            }
            if let deposit { return deposit }
            // Uploads that were announced just now are still open. Those without bytes give way as well.
            guard let idle = await sessions.removeOldestEmpty() else {
                // The sender falls back to sending all at once.
                throw Refusal(.conflict, "too-many-unfinished", "too many uploads are unfinished")
            }
            await receiver.work.run { idle.abandon() }
        }
    }

    /// Whether one more upload may begin. Old ones, then those that hold no bytes, make place for it.
    private static func makePlace(in lane: Lane, _ limits: HTTPListenerLimits) throws(LaneError) -> Bool {
        guard try lane.unfinishedUploads() >= limits.unfinishedUploads else { return true }
        try lane.removeUploads(untouchedFor: limits.unfinishedUploadAge)
        while try lane.unfinishedUploads() >= limits.unfinishedUploads {
            guard try lane.removeOldestEmptyUpload() else { return false }
        }
        return true
    }

    private func take(
        _ id: String, _ exchange: InboxResponder.Exchange
    ) async throws(Refusal) -> (UploadSessions.Holder, ResumableDeposit) {
        let (holder, parked) = try await sessions.take(id, for: exchange.channel)
        if let parked { return (holder, parked) }
        do throws(Refusal) {
            if let deposit = try await onDisk({ lane throws(LaneError) in try lane.resumeUpload(id) }) {
                return (holder, deposit)
            }
            throw Refusal(.notFound, "no-upload", "there is no such upload")
        } catch {
            await sessions.release(id, parking: nil)
            throw error
        }
    }

    /// Opens an upload for whoever began it; whoever asked releases it.
    private func takeAdmitted(
        _ id: String, _ exchange: InboxResponder.Exchange
    ) async throws(Refusal) -> ResumableDeposit {
        let claim = try await authenticator.claim(in: exchange.headers)
        let (_, deposit) = try await take(id, exchange)
        do throws(Refusal) {
            _ = try admit(claim, to: deposit.announcement)
        } catch {
            await sessions.release(id, parking: deposit)
            throw error
        }
        return deposit
    }

    /// Only whoever began an upload may go on with it.
    private func admit(
        _ claim: Authenticator.Claim, to announcement: UploadAnnouncement
    ) throws(Refusal) -> HTTPArrival.Authentication {
        let authentication = try authenticator.verify(claim, over: announcement.digest)
        guard announcement.owner == nil || announcement.owner == authentication.key else { throw .unauthorized }
        return authentication
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
        return try await arrivals.publish(
            deposit.announcement.digest, claim: claim, as: authentication, from: exchange, resumedFrom: offset,
            commit: { () async throws(LaneError) in
                try await work.run { () throws(LaneError) in try deposit.commit() }
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
        _ body: @escaping @Sendable (Lane) throws(LaneError) -> Value
    ) async throws(Refusal) -> Value {
        let lane = lane
        do {
            return try await receiver.work.run { () throws(LaneError) in try body(lane) }
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
    /// Who signed; nil when nobody did, validly.
    var key: PublicKey? {
        if case .valid(let key, _) = self { key } else { nil }
    }
}
