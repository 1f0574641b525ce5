internal import Fabric

/// The same envelope more than once.
enum TwiceCases {
    static let all = [inTurn, atOnce, afterFailure]

    static let inTurn = ConformanceCase(
        "twice-in-turn", [3], "the same envelope twice is one object, and both calls return"
    ) { trial in
        let farSide = try await trial.farSide()
        let envelope = try trial.envelope(2_500_000)
        // Whoever tries again may be another process.
        for _ in 0..<3 {
            let carrier = try await trial.carrier()
            try await trial.deliver(envelope, by: carrier, to: farSide)
            try await trial.deliver(envelope, by: carrier, to: farSide)
        }
        trial.expect(try await farSide.publishedNames() == [envelope.name.text], "there is not one object")
        trial.expect(try await farSide.leftovers().isEmpty, "something unfinished is left")
    }

    static let atOnce = ConformanceCase(
        "twice-at-once", [3], "the same envelope several times at once is one object, and every call returns"
    ) { trial in
        let farSide = try await trial.farSide()
        let envelope = try trial.envelope(2_500_000)
        let carriers = [try await trial.carrier(), try await trial.carrier()]
        await withTaskGroup(of: Result<DeliveryReceipt, CarrierError>.self) { group in
            for number in 0..<6 {
                group.addTask { await carriers[number % 2].outcome(envelope, along: farSide.route) }
            }
            for await outcome in group {
                if case .failure(let error) = outcome { trial.fail("one of them failed: \(error)") }
            }
        }
        trial.expect(try await farSide.publishedNames() == [envelope.name.text], "there is not one object")
        let object = try await farSide.object(named: envelope.name.text)
        trial.expect(object?.digest == envelope.digest, "it has other bytes")
    }

    static let afterFailure = ConformanceCase(
        "again-after-a-failure", [2, 3], "an attempt that failed does not stand in the way of the next"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let envelope = try trial.envelope(4_000_000)
        for place: Int64 in [0, 2_000_000, 3_999_999] {
            let failing = envelope.reading { FailingSource(inner: $0, failsAt: place) }
            _ = await trial.failure("unreadable from \(place)", failing, by: carrier, along: farSide.route)
        }
        try await trial.deliver(envelope, by: carrier, to: farSide)
        trial.expect(try await farSide.publishedNames() == [envelope.name.text], "there is not one object")
    }
}
