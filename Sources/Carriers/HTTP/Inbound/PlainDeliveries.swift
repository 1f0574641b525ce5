internal import Fabric
internal import HTTPTypes
internal import HummingbirdCore

/// `POST /inbox/<name>` with a whole envelope (`http-inbox.md`, sections 2 and 6).
struct PlainDeliveries: Sendable {
    let lane: Lane
    let limits: HTTPListenerLimits
    let authenticator: Authenticator
    let slots: UploadSlots
    let receiver: BodyReceiver
    let arrivals: Arrivals

    /// Stores the body under `name`. Everything that can be refused before reading is.
    func deliver(
        _ name: ArrivalName, _ exchange: InboxResponder.Exchange, _ writer: borrowing ResponseWriter
    ) async throws(Refusal) -> Reply {
        guard let length = exchange.contentLength, length > 0 else { throw .lengthRequired }
        guard length <= limits.largestBody else { throw .tooLarge(limits.largestBody) }
        let claim = try await authenticator.claim(in: exchange.headers, announcing: exchange.announcedDigest)
        let sender = UploadSlots.Sender(claim, authenticator.policy, address: exchange.remoteNetwork)
        if sender.isUnproven {
            guard length <= limits.largestUnproven else { throw .tooLargeUnproven(limits.largestUnproven) }
            exchange.require(bytesPerSecond: limits.unprovenRate)
        }
        let release = try slots.take(for: sender)
        defer { release() }
        let deposit = try await begin(name, length)
        let work = receiver.work
        do throws(Refusal) {
            return try await store(deposit, length, claim, exchange, writer)
        } catch {
            // Gone before anybody is told, rather than when the last reference is.
            await work.run { deposit.discard() }
            throw error
        }
    }

    private func store(
        _ deposit: Deposit, _ length: Int64, _ claim: Authenticator.Claim, _ exchange: InboxResponder.Exchange,
        _ writer: borrowing ResponseWriter
    ) async throws(Refusal) -> Reply {
        await exchange.proceed(writer)
        let count = try await receiver.receive(exchange.request.body, upTo: length) { bytes throws(LaneError) in
            try deposit.write(bytes)
        }
        guard count == length else { throw .shortBody(count, of: length) }
        let digest = deposit.digest
        if let announced = exchange.announcedDigest {
            guard announced == digest else { throw Refusal(.digestMismatch(expected: announced, found: digest)) }
        }
        let authentication = try authenticator.verify(claim, over: digest)
        let work = receiver.work
        return try await arrivals.publish(
            digest, claim: claim, as: authentication, from: exchange, resumedFrom: 0,
            commit: { () async throws(LaneError) in
                try await work.run { () throws(LaneError) in try deposit.commit() }
            },
            discard: { await work.run { deposit.discard() } })
    }

    private func begin(_ name: ArrivalName, _ length: Int64) async throws(Refusal) -> Deposit {
        let lane = lane
        do {
            return try await receiver.work.run { () throws(LaneError) in try lane.begin(name, expecting: length) }
        } catch {
            throw Refusal(error)
        }
    }
}

extension Refusal {
    /// No length, one of zero, or a chunked body (`http-inbox.md`, section 6, row 16).
    static let lengthRequired = Refusal(
        .lengthRequired, "length-required", "a Content-Length above 0 is required, and no Transfer-Encoding")

    /// More than this listener takes (`http-inbox.md`, section 6, row 3).
    static func tooLarge(_ limit: Int64) -> Refusal {
        Refusal(.contentTooLarge, "too-large", "an envelope may have \(limit) bytes here", limit: limit)
    }

    /// More than this listener takes before it knows whether the signature is right.
    static func tooLargeUnproven(_ limit: Int64) -> Refusal {
        Refusal(
            .contentTooLarge, "too-large",
            "an envelope of which Repr-Digest is not announced may have \(limit) bytes here",
            limit: limit)
    }
}
