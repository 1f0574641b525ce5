internal import Fabric

/// Resuming, probing, and what the traits say.
enum PowerCases {
    static let all = [powersAreTold, goesOn, heldBytesAreChecked, probeLeavesNothing, probeOfNothing]

    static let powersAreTold = ConformanceCase(
        "powers-are-told", [14, 24, 25], "the carrier has the powers that the subject says, and no others", needs: []
    ) { trial in
        let carrier = try await trial.carrier()
        let powers = trial.subject.powers
        trial.expect((carrier.probing != nil) == powers.contains(.probing), "probing: the subject says otherwise")
        trial.expect(
            (carrier.receiving != nil) == powers.contains(.receiving), "receiving: the subject says otherwise")
        trial.expect((carrier.resuming != nil) == powers.contains(.resuming), "resuming: the subject says otherwise")
        trial.expect(!carrier.schemes.isEmpty, "it has no scheme")
        let route = try await trial.farSide().route
        trial.expect(carrier.schemes.contains(route.scheme), "the route of the far side is not among its schemes")
    }

    static let goesOn = ConformanceCase(
        "goes-on-where-it-stopped", [13], "after an interruption what the far side holds is not sent again",
        needs: [.receipts, .resuming, .breakage(.diesMidway)]
    ) { trial in
        let farSide = try await trial.farSide()
        let envelope = try trial.envelope(16_000_000)
        guard let carrier = try await trial.carrier().resuming else { throw MissingPower("it cannot resume") }
        trial.expect(try await carrier.bytesHeld(of: envelope, along: farSide.route) == 0, "it holds what never came")
        try await farSide.suffer(.diesMidway)
        _ = await trial.failure("dying midway", envelope, by: carrier, along: farSide.route)
        try await farSide.mend()
        // Whoever goes on may be another process.
        guard let next = try await trial.carrier().resuming else { throw MissingPower("it cannot resume") }
        let held = try await next.bytesHeld(of: envelope, along: farSide.route)
        trial.expect((1..<envelope.size).contains(held), "it holds \(held) bytes")
        let receipt = try await trial.deliver(envelope, by: next, to: farSide)
        trial.expect(receipt.resumedFrom >= held, "it went on from \(receipt.resumedFrom), with \(held) held")
        trial.expect(try await farSide.publishedNames() == [envelope.name.text], "there is not one object")
    }

    static let heldBytesAreChecked = ConformanceCase(
        "held-bytes-are-checked", [13], "bytes of another envelope of the same name count for nothing",
        needs: [.receipts, .resuming, .breakage(.diesMidway)]
    ) { trial in
        let farSide = try await trial.farSide()
        let first = try trial.envelope(16_000_000, seed: 1)
        let other = try trial.envelope(16_000_000, seed: 2, name: first.name)
        guard let carrier = try await trial.carrier().resuming else { throw MissingPower("it cannot resume") }
        try await farSide.suffer(.diesMidway)
        _ = await trial.failure("dying midway", first, by: carrier, along: farSide.route)
        try await farSide.mend()
        trial.expect(try await carrier.bytesHeld(of: other, along: farSide.route) == 0, "the bytes of another count")
        let receipt = try await trial.deliver(other, by: carrier, to: farSide)
        trial.expect(receipt.resumedFrom == 0, "it went on from the bytes of another")
    }

    static let probeLeavesNothing = ConformanceCase(
        "probe-leaves-nothing", [14], "a probe of a far side that works returns and leaves nothing", needs: [.probing]
    ) { trial in
        let farSide = try await trial.farSide()
        guard let carrier = try await trial.carrier().probing else { throw MissingPower("it cannot probe") }
        try await carrier.probe(farSide.route)
        try await trial.expectNothingPublished(at: farSide, "after a probe")
        trial.expect(try await farSide.leftovers().isEmpty, "something unfinished is left")
    }

    static let probeOfNothing = ConformanceCase(
        "probe-of-nothing", [14], "a probe of a far side that is not there, or of another scheme, throws",
        needs: [.probing, .breakage(.absent)]
    ) { trial in
        let farSide = try await trial.farSide()
        guard let carrier = try await trial.carrier().probing else { throw MissingPower("it cannot probe") }
        let foreign = Route(scheme: farSide.route.scheme + "x", address: farSide.route.address)
        try await farSide.suffer(.absent)
        for (route, kind) in [(foreign, CarrierError.Kind.misconfigured), (farSide.route, .unreachable)] {
            do throws(CarrierError) {
                try await carrier.probe(route)
                trial.fail("the probe of \(route.scheme):\(route) returned")
            } catch {
                trial.check(error)
                trial.expect(error.kind == kind, "the probe threw \(error.kind): \(error)")
            }
        }
        try await farSide.mend()
    }
}
