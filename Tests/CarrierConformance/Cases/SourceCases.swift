internal import Fabric
internal import SystemPackage

/// Sources that are not what was said of them, and what a consumer sees meanwhile.
enum SourceCases {
    static let all = [endsEarly, goesOn, otherBytes, cannotBeRead, neverPartial, progress]

    static let endsEarly = ConformanceCase(
        "source-ends-early", [2, 7], "a source that ends early is 'corrupted', and nothing is published"
    ) { trial in
        try await expectCorrupted(trial) { size in [0, size / 2, size - 1] }
    }

    static let goesOn = ConformanceCase(
        "source-goes-on", [2, 7], "a source that is longer than it was said is 'corrupted', and nothing is published"
    ) { trial in
        try await expectCorrupted(trial) { size in [size + 1, size * 2] }
    }

    /// Delivers envelopes whose sources have other lengths than they claim.
    private static func expectCorrupted(_ trial: Trial, _ lengths: (Int64) -> [Int64]) async throws {
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        for size: Int64 in [100, 3_000_001] {
            for length in lengths(size) {
                let envelope = try trial.envelope(size).reading { _ in PatternSource(size: length, seed: 1) }
                let what = "\(length) bytes where \(size) were said"
                let error = await trial.failure(what, envelope, by: carrier, along: farSide.route)
                trial.expect(error?.kind == .corrupted, "\(what): it is \(String(describing: error))")
                try await trial.expectNothingPublished(at: farSide, what)
            }
        }
    }

    static let otherBytes = ConformanceCase(
        "source-has-other-bytes", [2], "a source that does not have the digest it claims is never published"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        for size: Int64 in [100, 3_000_001] {
            let envelope = try trial.envelope(size).reading { _ in PatternSource(size: size, seed: 2) }
            let error = await trial.failure("other bytes", envelope, by: carrier, along: farSide.route)
            trial.expect(error?.kind == .corrupted, "other bytes: it is \(String(describing: error))")
            try await trial.expectNothingPublished(at: farSide, "other bytes")
        }
    }

    static let cannotBeRead = ConformanceCase(
        "source-cannot-be-read", [2, 9], "a source that cannot be opened or read is an error, and nothing is published"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let size: Int64 = 3_000_000
        for place: Int64 in [0, size / 2] {
            let envelope = try trial.envelope(size).reading { FailingSource(inner: $0, failsAt: place) }
            _ = await trial.failure("unreadable from \(place)", envelope, by: carrier, along: farSide.route)
        }
        let unopened = SealedEnvelope(name: try trial.name(), digest: Digest(of: [1]), size: 1) {
            () throws(SystemFailure) in throw SystemFailure("cannot open the envelope", .noSuchFileOrDirectory)
        }
        _ = await trial.failure("an envelope that is gone", unopened, by: carrier, along: farSide.route)
        try await trial.expectNothingPublished(at: farSide, "after sources that could not be read")
        // The same carrier is none the worse for it.
        try await trial.deliver(try trial.envelope(10), by: carrier, to: farSide)
    }

    static let neverPartial = ConformanceCase(
        "never-partial", [1, 2], "whoever looks while an envelope is coming sees nothing of it, or all"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let size: Int64 = 9_000_000
        let envelope = try trial.envelope(size)
        let delivery = StoppedDelivery(
            envelope, by: carrier, along: farSide.route, stops: [0, 1, size / 3, size / 2, size - 1], in: trial)
        var looks = 0
        while let place = await delivery.turnstile.reached() {
            looks += 1
            try await trial.expectNothingPublished(at: farSide, "when byte \(place) had not been read")
            delivery.turnstile.go()
        }
        trial.expect(looks == 5, "the source was not read to its end: \(looks) stops of 5")
        _ = try await delivery.task.value.get()
        let object = try await farSide.object(named: envelope.name.text)
        trial.expect(object?.digest == envelope.digest, "it is not there whole in the end")
    }

    static let progress = ConformanceCase(
        "progress", [8], "progress never goes back, never exceeds the size, and reaches it only with the receipt"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        for size: Int64 in [1, 6_000_000] {
            let reports = Reports()
            try await trial.deliver(try trial.envelope(size), by: carrier, to: farSide, reporting: reports.sink)
            reports.check(size: size, mustBeWhole: true, in: trial)
        }
        let broken = Reports()
        let envelope = try trial.envelope(6_000_000).reading { _ in PatternSource(size: 5_999_999, seed: 1) }
        _ = await carrier.outcome(envelope, along: farSide.route, reporting: broken.sink)
        broken.check(size: 6_000_000, mustBeWhole: false, in: trial)
    }
}
