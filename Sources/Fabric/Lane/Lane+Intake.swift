/// How what a carrier received comes into a lane: durable first, settled then.
extension Lane {
    /// Copies `arrival` into the lane, publishes it if it is what was claimed, and settles it.
    ///
    /// On return the lane holds the bytes durably and the far side knows. Bytes that are not those claimed are never
    /// published, and the arrival is refused. When the lane cannot take it now, or the far side cannot give it, the
    /// arrival is released for `patience`. A process that dies between publishing and settling is offered the arrival
    /// again, and then finds a duplicate: it is materialised once.
    ///
    /// While bytes are coming the lease is extended each time that half of it has gone by.
    ///
    /// - Parameters:
    ///   - patience: After how long what could not be taken now may be offered again.
    ///   - clock: What counts the lease.
    /// - Throws: `copy` and `lane` when nothing was published; `settlement` when the object is in the lane, and the far
    ///   side does not know, so that it may come again.
    public func take(
        _ arrival: any Arrival, patience: Duration = .seconds(30), clock: any Clock<Duration> = ContinuousClock()
    ) async throws(IntakeError) -> Publication {
        let publication: Publication
        do throws(IntakeError) {
            publication = try await publish(arrival, clock: clock)
        } catch {
            // The first error is the one to tell: if this fails too, the lease ends by itself.
            try? await arrival.settle(error.settlement(patience: patience))
            throw error
        }
        do throws(SettlementError) {
            try await arrival.settle(.commit)
        } catch {
            throw .settlement(error, publication)
        }
        return publication
    }

    private func publish(_ arrival: any Arrival, clock: any Clock<Duration>) async throws(IntakeError) -> Publication {
        let (name, size, digest) = (arrival.requestedName, arrival.size, arrival.claimedDigest)
        let deposit = try await blocking { () throws(LaneError) in try self.begin(name, expecting: size) }
        let keeper = Task { await Self.keep(arrival, clock: clock) }
        defer { keeper.cancel() }
        do throws(CopyError) {
            try await arrival.copy(into: deposit, from: 0)
        } catch {
            await discard(deposit)
            throw .copy(error)
        }
        return try await blocking { () throws(LaneError) in try deposit.commit(expecting: digest) }
    }

    private func discard(_ deposit: Deposit) async {
        await BlockingCall.run { _ in deposit.discard() }
    }

    /// Extends the lease of `arrival` until cancelled.
    private static func keep(_ arrival: any Arrival, clock: any Clock<Duration>) async {
        guard let lease = arrival.lease else { return }
        while true {
            do { try await clock.sleep(for: lease / 2) } catch { return }
            // If it is lost, settling will say so; the copy may still become a duplicate of use.
            try? await arrival.settle(.extend(lease))
        }
    }

    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(LaneError) -> Value
    ) async throws(IntakeError) -> Value {
        do throws(LaneError) {
            return try await BlockingCall.run { _ throws(LaneError) in try body() }
        } catch {
            throw .lane(error)
        }
    }
}

/// Why an arrival was not taken into a lane.
public enum IntakeError: ExplainedError {
    /// The bytes did not come over.
    case copy(CopyError)
    /// The lane did not publish them.
    case lane(LaneError)
    /// The lane holds them, and the far side was not told.
    case settlement(SettlementError, Publication)

    /// What the far side is told of it.
    func settlement(patience: Duration) -> Settlement {
        switch self {
        case .copy(.source(let error)) where error.kind == .corrupted: .refuse(error.explanation)
        case .copy(.sink(let error)), .lane(let error):
            switch error {
            case .digestMismatch, .sizeMismatch, .noFreeName: .refuse(error.explanation)
            case .reserveReached, .system: .release(after: patience)
            }
        case .copy, .settlement: .release(after: patience)
        }
    }

    private var error: any ExplainedError {
        switch self {
        case .copy(let error): error
        case .lane(let error): error
        case .settlement(let error, _): error
        }
    }

    public var category: FailureCategory { error.category }
    public var explanation: String { error.explanation }
    public var remedy: String? { error.remedy }
}
