internal import Fabric

/// Names that are taken, names that would harm, routes that are none.
enum NameCases {
    static let all = [taken, takenAndFailing, hostileNames, unusualNames, otherScheme, hostileRoutes]

    static let taken = ConformanceCase(
        "name-taken", [4], "other bytes under the same name survive, and so do these, or it is a 'conflict'"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let first = try trial.envelope(300_000, seed: 1)
        let second = try trial.envelope(300_000, seed: 2, name: first.name)
        try await trial.deliver(first, by: carrier, to: farSide)
        switch await carrier.outcome(second, along: farSide.route) {
        case .success(let receipt):
            trial.expect(!receipt.wasDuplicate, "other bytes are called a duplicate")
            let names = try await farSide.publishedNames()
            // Who hands over to a mailbox cannot know what the owner will call it: then it has to be there all the same.
            let candidates = receipt.storedName.map { [$0] } ?? names
            var isStored = false
            for name in candidates where try await Self.stored(name, at: farSide) == second.digest { isStored = true }
            trial.expect(isStored, "the second is not where the receipt says")
            trial.expect(names.count == 2, "there are not two of them")
        case .failure(let error):
            trial.check(error)
            trial.expect(error.kind == .conflict, "it is not a conflict but \(error)")
            trial.expect(try await farSide.publishedNames() == [first.name.text], "there is not just the first")
        }
        trial.expect(try await Self.stored(first.name.text, at: farSide) == first.digest, "the first did not survive")
    }

    static let takenAndFailing = ConformanceCase(
        "name-taken-and-failing", [2, 4], "a delivery that fails takes nothing away from whoever has the name"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let first = try trial.envelope(300_000, seed: 1)
        try await trial.deliver(first, by: carrier, to: farSide)
        for length: Int64 in [0, 1, 299_999, 300_001] {
            let failing = try trial.envelope(300_000, seed: 2, name: first.name).reading { _ in
                PatternSource(size: length, seed: 2)
            }
            _ = await trial.failure("\(length) of 300000 bytes", failing, by: carrier, along: farSide.route)
            trial.expect(
                try await farSide.publishedNames() == [first.name.text], "\(length) bytes: it is not alone any more")
            trial.expect(
                try await Self.stored(first.name.text, at: farSide) == first.digest, "\(length) bytes: it changed")
        }
    }

    private static func stored(_ name: String?, at farSide: any FarSide) async throws -> Digest? {
        guard let name else { return nil }
        return try await farSide.object(named: name)?.digest
    }

    static let hostileNames = ConformanceCase(
        "hostile-names", [11], "a name that could be taken for a path, an option or a command cannot be made", needs: []
    ) { trial in
        let hostile = [
            "", ".", "..", "/", "a/b", "/etc/passwd", "../a.tza", "a..tza", "-rf", "~", "~root", "a b", "a\nb", "a\tb",
            "a'b", "a\"b", "a`b`", "$(a)", "a;b", "a|b", "a&b", "a>b", "a*b", "a?b", "a\\b", "a:b", "a\0b", ".hidden",
            "a\u{7f}b", "ä.tza", "a.part", "a.tmp", "a.writing", "a.inflight", "a.PART",
            String(decoding: [0x61, 0xff, 0xfe] as [UInt8], as: UTF8.self), String(repeating: "a", count: 201),
            String(repeating: "a", count: 255),
        ]
        for text in hostile {
            trial.expect(ArrivalName(text) == nil, "'\(text.debugDescription)' is an arrival name")
        }
    }

    static let unusualNames = ConformanceCase(
        "unusual-names", [1, 11], "every name that can be made is stored as it is"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let token = Hexadecimal.random()
        let unusual = [
            "a" + token, "_" + token, token + "-", "A-b_C.d" + token, "con" + token, "nul." + token + ".tza",
            token + ".tar.zst", token + String(repeating: "x", count: 180) + ".tza", "0x" + token + ".exe",
        ]
        for text in unusual {
            let envelope = try trial.envelope(1000, name: Trial.name(text))
            let receipt = try await trial.deliver(envelope, by: carrier, to: farSide)
            trial.expect(receipt.storedName ?? text == text, "'\(text)' was stored as '\(receipt.storedName ?? "")'")
        }
        trial.expect(Set(try await farSide.publishedNames()) == Set(unusual), "other names than these are there")
    }

    static let otherScheme = ConformanceCase(
        "other-scheme", [11], "a route with another scheme is 'misconfigured', and nothing is sent", needs: []
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        for scheme in ["", "x-" + Hexadecimal.random(), farSide.route.scheme + "x"] {
            let route = Route(scheme: scheme, address: farSide.route.address)
            let error = await trial.failure("scheme '\(scheme)'", try trial.envelope(10), by: carrier, along: route)
            trial.expect(error?.kind == .misconfigured, "scheme '\(scheme)': it is \(String(describing: error))")
        }
        try await trial.expectNothingPublished(at: farSide, "along routes of others")
    }

    static let hostileRoutes = ConformanceCase(
        "hostile-routes", [11], "an address that could be taken for a command or an option is only an address",
        needs: []
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let (scheme, address) = (farSide.route.scheme, farSide.route.address)
        let hostile = [
            "", "\0", address + "\0", address + "/$(touch pwned)/x", address + "/`touch pwned`/x",
            address + "/;touch pwned;/x", address + "\n/x", address + "/'\"/x", "-oProxyCommand=touch pwned",
            "--help", String(repeating: "a/", count: 40_000),
        ]
        for text in hostile {
            _ = await trial.failure(
                "address \(text.prefix(100).debugDescription)", try trial.envelope(10), by: carrier,
                along: Route(scheme: scheme, address: text))
        }
        try await trial.expectNothingPublished(at: farSide, "along routes that are none")
    }
}
