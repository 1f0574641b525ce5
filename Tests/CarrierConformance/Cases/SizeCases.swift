internal import Fabric

/// Every number of bytes arrives.
enum SizeCases {
    static let all = [everySize, empty, constantMemory, beyond32Bits, tooLarge]

    static let everySize = ConformanceCase(
        "every-size", [1, 7], "envelopes of one byte, one buffer and one byte more arrive whole"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        for size: Int64 in [1, 4095, 65_535, 65_536, 65_537, 1 << 20, 1 << 20 + 1, 2 << 20, 2 << 20 + 1, 5_000_000] {
            let envelope = try trial.envelope(size)
            let receipt = try await trial.deliver(envelope, by: carrier, to: farSide)
            trial.expect(!receipt.wasDuplicate, "\(size) bytes: the receipt says that they were there before")
        }
        trial.expect(try await farSide.publishedNames().count == 10, "not every envelope is there once")
        trial.expect(try await farSide.leftovers().isEmpty, "something unfinished is left")
    }

    static let empty = ConformanceCase(
        "no-bytes", [12], "an envelope without bytes is stored whole, or refused and not stored"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let envelope = try trial.envelope(0)
        switch await carrier.outcome(envelope, along: farSide.route) {
        case .success:
            let object = try await farSide.object(named: envelope.name.text)
            trial.expect(object == PublishedObject(digest: envelope.digest, size: 0), "it is not there whole")
        case .failure(let error):
            trial.check(error)
            trial.expect(error.kind == .refused, "it was not refused but \(error.kind): \(error)")
            try await trial.expectNothingPublished(at: farSide, "after the refusal")
        }
    }

    static let constantMemory = ConformanceCase(
        "constant-memory", [7], "memory does not grow with the envelope"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        // What is made once, whatever is sent, is not to be counted.
        try await trial.deliver(try trial.envelope(5_000_000, seed: 9), by: carrier, to: farSide)
        // What others do in this process meanwhile counts as well; but what grows with the envelope grows each time.
        var growth: [Int64] = []
        while growth.count < 3, growth.allSatisfy({ $0 >= 128 << 20 }) {
            let watch = try PeakMemory()
            try await trial.deliver(try BulkEnvelope.bulk(trial.name()), by: carrier, to: farSide)
            growth.append(try watch.growth())
        }
        trial.expect(
            growth.contains { $0 < 128 << 20 }, "256 MiB took \(growth.map { "\($0 >> 20)" }) MiB of memory")
    }

    static let beyond32Bits = ConformanceCase(
        "beyond-4-gib", [1, 7], "an envelope of more than 4 GiB arrives whole", isLarge: true
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        try await trial.deliver(try BulkEnvelope.beyond32Bits(trial.name()), by: carrier, to: farSide)
    }

    static let tooLarge = ConformanceCase(
        "too-large", [2], "an envelope above the carrier's limit is 'too large', with the limit", needs: [.limit]
    ) { trial in
        let carrier = try await trial.subject.makeLimitedCarrier()
        let farSide = try await trial.farSide()
        guard let limit = carrier.traits.largestEnvelope, limit <= 64 << 20 else {
            throw MissingPower("the traits have no limit of at most 64 MiB")
        }
        let error = await trial.failure("too large", try trial.envelope(limit + 1), by: carrier, along: farSide.route)
        trial.expect(error?.kind == .tooLarge(limit: limit), "it is \(String(describing: error?.kind))")
        trial.expect(error?.isRetryable == false, "it is to be tried again")
        try await trial.expectNothingPublished(at: farSide, "after an envelope that is too large")
    }
}
