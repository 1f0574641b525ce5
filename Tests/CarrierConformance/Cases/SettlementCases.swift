internal import Fabric

/// What is said about arrivals, how often, and how late.
enum SettlementCases {
    static let all = [
        twiceAlike, twiceOtherwise, refused, released, heldByOne, leaseRunsOut, extended,
        settledAfterCancellation,
    ]

    private static let finals: [Settlement] = [.commit, .refuse("not wanted"), .release(after: .seconds(600))]

    static let twiceAlike = ConformanceCase(
        "settled-twice", [21], "settling twice the same way is harmless", needs: [.receiving]
    ) { trial in
        let farSide = try await trial.farSide()
        let carrier = try await trial.receiver()
        for settlement in finals {
            let name = try await trial.offer([1], at: farSide)
            let arrival = try await trial.expectArrival(name, from: carrier, at: farSide, "\(settlement)")
            for _ in 0..<3 {
                let error = await trial.settlementError(arrival, settlement)
                trial.expect(error == nil, "\(settlement) again: \(String(describing: error))")
            }
        }
        try await trial.expectNothingElse(from: carrier, at: farSide, "after all were settled")
    }

    static let twiceOtherwise = ConformanceCase(
        "settled-otherwise", [21], "settling otherwise the second time throws and changes nothing", needs: [.receiving]
    ) { trial in
        let farSide = try await trial.farSide()
        let carrier = try await trial.receiver()
        for first in finals {
            let name = try await trial.offer([1], at: farSide)
            let arrival = try await trial.expectArrival(name, from: carrier, at: farSide, "\(first)")
            try await arrival.settle(first)
            for second in finals + [.extend(.seconds(60))] where !second.isAlike(first) {
                let error = await trial.settlementError(arrival, second)
                guard case .settledOtherwise(let told)? = error, told.isAlike(first) else {
                    trial.fail("\(second) after \(first): \(String(describing: error))")
                    continue
                }
            }
        }
        // Neither what was committed nor what was refused came back through the second word.
        try await trial.expectNothingElse(from: carrier, at: farSide, "after all were settled")
    }

    static let settledAfterCancellation = ConformanceCase(
        "settled-after-cancellation", [18, 21], "a task that was cancelled can still settle what it took",
        needs: [.receiving]
    ) { trial in
        let farSide = try await trial.farSide()
        let carrier = try await trial.receiver()
        for settlement in finals {
            let name = try await trial.offer([1], at: farSide)
            let arrival = try await trial.expectArrival(name, from: carrier, at: farSide, "\(settlement)")
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return await trial.settlementError(arrival, settlement)
            }
            task.cancel()
            let error = await task.value
            trial.expect(error == nil, "\(settlement) in a cancelled task: \(String(describing: error))")
        }
        try await trial.expectNothingElse(from: carrier, at: farSide, "after all were settled")
    }

    static let refused = ConformanceCase(
        "refused-is-over", [18], "what was refused is never offered again", needs: [.receiving, .leases]
    ) { trial in
        let farSide = try await trial.farSide()
        let carrier = try await trial.receiver()
        let name = try await trial.offer([1, 2], at: farSide)
        try await trial.expectArrival(name, from: carrier, at: farSide, "the first time").settle(.refuse("no 'good'\n"))
        try await farSide.passTime(.seconds(86_400))
        try await trial.expectNothingElse(from: carrier, at: farSide, "after it was refused")
    }

    static let released = ConformanceCase(
        "released-comes-again", [19], "what was released comes again, and not before its time",
        needs: [.receiving, .leases]
    ) { trial in
        let farSide = try await trial.farSide()
        let carrier = try await trial.receiver()
        let name = try await trial.offer([1, 2], at: farSide)
        let first = try await trial.expectArrival(name, from: carrier, at: farSide, "the first time")
        try await first.settle(.release(after: .seconds(600)))
        try await farSide.passTime(.seconds(300))
        try await trial.expectNothingElse(from: carrier, at: farSide, "before its time")
        try await farSide.passTime(.seconds(301))
        let again = try await trial.expectArrival(name, from: carrier, at: farSide, "after its time")
        try await again.settle(.release(after: .zero))
        try await trial.expectArrival(name, from: carrier, at: farSide, "released for no time").settle(.commit)
    }

    static let heldByOne = ConformanceCase(
        "held-by-one-taker", [16], "what one taker holds is offered to nobody else", needs: [.receiving]
    ) { trial in
        let farSide = try await trial.farSide()
        let (one, other) = (try await trial.receiver(), try await trial.receiver())
        let name = try await trial.offer([1, 2], at: farSide)
        let arrival = try await trial.expectArrival(name, from: one, at: farSide, "the only one")
        try await trial.expectNothingElse(from: other, at: farSide, "while another holds it")
        try await arrival.settle(.commit)
    }

    static let leaseRunsOut = ConformanceCase(
        "lease-runs-out", [16, 22], "a lease that ran out is told, and changes nothing", needs: [.receiving, .leases]
    ) { trial in
        let farSide = try await trial.farSide()
        let carrier = try await trial.receiver()
        for settlement in finals {
            let name = try await trial.offer([1, 2], at: farSide)
            let late = try await trial.expectArrival(name, from: carrier, at: farSide, "the first time")
            guard let lease = late.lease else { throw MissingPower("its arrivals have no lease") }
            try await farSide.passTime(lease + .seconds(1))
            let next = try await trial.expectArrival(name, from: carrier, at: farSide, "after the lease")
            let error = await trial.settlementError(late, settlement)
            trial.expect(error == .leaseLost, "\(settlement): \(String(describing: error))")
            try await next.settle(.commit)
        }
        try await trial.expectNothingElse(from: carrier, at: farSide, "after all were settled")
    }

    static let extended = ConformanceCase(
        "extended", [20], "an extended lease holds for that long from then on", needs: [.receiving, .leases]
    ) { trial in
        let farSide = try await trial.farSide()
        let carrier = try await trial.receiver()
        let name = try await trial.offer([1, 2], at: farSide)
        let arrival = try await trial.expectArrival(name, from: carrier, at: farSide, "the only one")
        guard let lease = arrival.lease else { throw MissingPower("its arrivals have no lease") }
        for _ in 0..<3 {
            try await arrival.settle(.extend(lease * 3))
            try await farSide.passTime(lease * 2)
            try await trial.expectNothingElse(from: carrier, at: farSide, "while the extended lease lasts")
        }
        try await arrival.settle(.commit)
        try await farSide.passTime(lease * 4)
        try await trial.expectNothingElse(from: carrier, at: farSide, "after it was committed")
    }
}
