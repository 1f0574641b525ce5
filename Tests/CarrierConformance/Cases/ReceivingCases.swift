internal import Fabric
internal import SystemPackage

/// What waits for us, and how it comes into a lane.
enum ReceivingCases {
    static let all = [
        arrivesWhole, copiesFromAnywhere, crashBeforeSettling, falseDigest, falseSize, hostileOffers, cancelled,
        iterated,
        laneIsFull,
    ]

    static let arrivesWhole = ConformanceCase(
        "arrives-whole", [15, 17, 18], "what is offered comes into a lane whole, once, and is offered no more",
        needs: [.receiving]
    ) { trial in
        let carrier = try await trial.receiver()
        let farSide = try await trial.farSide()
        let scratch = try ScratchLane()
        for size: Int64 in [1, 65_537, 3_000_000] {
            let bytes = PatternSource(size: size, seed: 3).bytes
            let name = try await trial.offer(bytes, at: farSide)
            let arrival = try await trial.expectArrival(name, from: carrier, at: farSide, "\(size) bytes")
            trial.expect(arrival.size == size && arrival.claimedDigest == Digest(of: bytes), "its claims are others")
            let publication = try await scratch.lane.take(arrival)
            trial.expect(publication.outcome == .created && publication.storedName == name, "it is \(publication)")
            trial.expect(publication.digest == Digest(of: bytes), "\(size) bytes: others were published")
        }
        try await trial.expectNothingElse(from: carrier, at: farSide, "after everything was committed")
        trial.expect(scratch.names().count == 3, "the lane holds \(scratch.names())")
    }

    static let copiesFromAnywhere = ConformanceCase(
        "copies-from-anywhere", [17], "an arrival can be copied again, and from any byte on", needs: [.receiving]
    ) { trial in
        let carrier = try await trial.receiver()
        let farSide = try await trial.farSide()
        let bytes = PatternSource(size: 2_000_001, seed: 4).bytes
        let name = try await trial.offer(bytes, at: farSide)
        let arrival = try await trial.expectArrival(name, from: carrier, at: farSide, "the only one")
        for offset in [0, 1, 65_536, 2_000_000, 2_000_001] {
            let sink = TestSink()
            try await arrival.copy(into: sink, from: Int64(offset))
            let rest = bytes.dropFirst(offset)
            trial.expect(
                sink.object == PublishedObject(digest: Digest(of: rest), size: Int64(rest.count)),
                "from byte \(offset) on \(sink.object.size) bytes came")
        }
        try await arrival.settle(.commit)
    }

    static let crashBeforeSettling = ConformanceCase(
        "crash-before-settling", [15, 16], "what was copied and not settled is offered again, and materialised once",
        needs: [.receiving, .leases]
    ) { trial in
        let farSide = try await trial.farSide()
        let scratch = try ScratchLane()
        let bytes = PatternSource(size: 200_000, seed: 5).bytes
        let name = try await trial.offer(bytes, at: farSide)
        try await Self.takeAndForget(name, into: scratch.lane, at: farSide, in: trial)
        try await farSide.passTime(.seconds(3600))
        let carrier = try await trial.receiver()
        let arrival = try await trial.expectArrival(name, from: carrier, at: farSide, "after the crash")
        let publication = try await scratch.lane.take(arrival)
        trial.expect(publication.outcome == .duplicate, "it was \(publication.outcome)")
        trial.expect(scratch.names() == [name.text], "the lane holds \(scratch.names())")
        try await trial.expectNothingElse(from: carrier, at: farSide, "after it was committed")
    }

    /// What a process does that dies after publishing: carrier and arrival are gone, and nobody was told.
    private static func takeAndForget(
        _ name: ArrivalName, into lane: Lane, at farSide: any FarSide, in trial: Trial
    ) async throws {
        let carrier = try await trial.receiver()
        let arrival = try await trial.expectArrival(name, from: carrier, at: farSide, "the first time")
        let deposit = try lane.begin(arrival.requestedName, expecting: arrival.size)
        try await arrival.copy(into: deposit, from: 0)
        _ = try deposit.commit(expecting: arrival.claimedDigest)
    }

    static let falseDigest = ConformanceCase(
        "claimed-digest-differs", [15, 18], "bytes that do not have the claimed digest are refused and not published",
        needs: [.receiving, .falseOffers]
    ) { trial in
        let farSide = try await trial.farSide()
        let offer = Offer(name: try trial.name().text, bytes: [1, 2, 3], claiming: Digest(of: [4]))
        try await expectRefused(offer, at: farSide, in: trial)
    }

    static let falseSize = ConformanceCase(
        "claimed-size-differs", [15, 17, 18], "fewer or more bytes than claimed are refused and not published",
        needs: [.receiving, .falseOffers]
    ) { trial in
        let farSide = try await trial.farSide()
        for size: Int64 in [0, 2, 4, 1 << 40] {
            let offer = Offer(name: try trial.name().text, bytes: [1, 2, 3], size: size)
            try await expectRefused(offer, at: farSide, in: trial)
        }
    }

    private static func expectRefused(_ offer: Offer, at farSide: any FarSide, in trial: Trial) async throws {
        let carrier = try await trial.receiver()
        let scratch = try ScratchLane()
        try await farSide.offer(offer)
        let arrival = try await carrier.nextArrival(along: farSide.route)
        do throws(IntakeError) {
            let publication = try await scratch.lane.take(arrival)
            trial.fail("it was published as \(publication)")
        } catch {
            trial.check(error)
        }
        trial.expect(scratch.names().isEmpty, "the lane holds \(scratch.names())")
        let after = await trial.settlementError(arrival, .commit)
        guard case .settledOtherwise(.refuse) = after else {
            // What the lane has no room for now is released, and what is released can be refused by the next taker.
            guard case .settledOtherwise(.release) = after, arrival.size > 1 << 30 else {
                return trial.fail("it was not refused: \(String(describing: after))")
            }
            return
        }
        try await trial.expectNothingElse(from: carrier, at: farSide, "after it was refused")
    }

    static let hostileOffers = ConformanceCase(
        "hostile-offers", [11, 15], "what is offered under a name that cannot be is passed over and blocks nothing",
        needs: [.receiving, .falseOffers]
    ) { trial in
        let carrier = try await trial.receiver()
        let farSide = try await trial.farSide()
        for name in ["../../etc/x", "/etc/x", "-rf", "a b", "a\nb", "", String(repeating: "a", count: 300)] {
            try await farSide.offer(Offer(name: name, bytes: [1]))
        }
        try await farSide.offer(Offer(name: try trial.name().text, bytes: [1], size: -1))
        try await trial.expectNothingElse(from: carrier, at: farSide, "among hostile names")
    }

    static let cancelled = ConformanceCase(
        "cancelled-while-nothing-comes", [23], "waiting for an arrival can be cancelled, and takes nothing along",
        needs: [.receiving]
    ) { trial in
        let carrier = try await trial.receiver()
        let farSide = try await trial.farSide()
        let waiting = Task { () -> Result<Void, CarrierError> in
            do throws(CarrierError) {
                _ = try await carrier.nextArrival(along: farSide.route)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        waiting.cancel()
        switch await waiting.value {
        case .success: trial.fail("something came where nothing was offered")
        case .failure(let error): trial.expect(error.kind == .cancelled, "it is not cancelled but \(error)")
        }
        try await trial.expectNothingElse(from: carrier, at: farSide, "after waiting was cancelled")
    }

    static let iterated = ConformanceCase(
        "arrivals-in-a-loop", [15], "a loop over the arrivals meets each of them", needs: [.receiving]
    ) { trial in
        let carrier = try await trial.receiver()
        let farSide = try await trial.farSide()
        var names: Set<ArrivalName> = []
        for number in 0..<5 { names.insert(try await trial.offer([UInt8(number)], at: farSide)) }
        var seen: Set<ArrivalName> = []
        for try await arrival in carrier.arrivals(along: farSide.route) {
            seen.insert(arrival.requestedName)
            try await arrival.settle(.commit)
            if seen.count == 5 { break }
        }
        trial.expect(seen == names, "other names came than were offered")
    }

    static let laneIsFull = ConformanceCase(
        "lane-is-full", [15, 19], "what the lane has no room for is released, and can be taken later",
        needs: [.receiving, .leases]
    ) { trial in
        let carrier = try await trial.receiver()
        let farSide = try await trial.farSide()
        let scratch = try ScratchLane()
        let crammed = try Lane(existing: scratch.lane.directory, reserve: .max)
        let name = try await trial.offer([1, 2, 3], at: farSide)
        let arrival = try await trial.expectArrival(name, from: carrier, at: farSide, "the first time")
        do throws(IntakeError) {
            _ = try await crammed.take(arrival, patience: .seconds(600))
            trial.fail("a lane without room took it")
        } catch {
            trial.expect(error.category == .tryLater, "it is \(error)")
        }
        try await farSide.passTime(.seconds(601))
        let again = try await trial.expectArrival(name, from: carrier, at: farSide, "later")
        trial.expect(try await scratch.lane.take(again).outcome == .created, "it was not published later")
    }
}
