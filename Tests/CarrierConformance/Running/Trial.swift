internal import Fabric
internal import Synchronization

/// One run of one case: what it made, and what it found wrong.
final class Trial: Sendable {
    let subject: any ConformanceSubject

    private let state = Mutex(State())
    private let token = Hexadecimal.random()

    private struct State: Sendable {
        var failures: [String] = []
        var farSides: [any FarSide] = []
        var endings: [@Sendable () -> Void] = []
        var names = 0
    }

    init(subject: any ConformanceSubject) { self.subject = subject }

    var failures: [String] { state.withLock { $0.failures } }

    func fail(_ sentence: String) { state.withLock { $0.failures.append(sentence) } }

    func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) {
        if !condition { fail(sentence()) }
    }

    /// What is done when the trial is over, however it ends.
    func atEnd(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.endings.append(body) } }

    func close() async {
        let (endings, farSides) = state.withLock { ($0.endings, $0.farSides) }
        for ending in endings { ending() }
        for farSide in farSides { await farSide.close() }
    }

    func carrier() async throws -> any Carrier { try await subject.makeCarrier() }

    func farSide() async throws -> any FarSide {
        let farSide = try await subject.makeFarSide()
        state.withLock { $0.farSides.append(farSide) }
        return farSide
    }

    /// A name that no other trial and no other call uses.
    func name() throws -> ArrivalName {
        let number = state.withLock { state in
            state.names += 1
            return state.names
        }
        return try Self.name("20260514t120000z.\(token)-\(number).suite.normal.tza")
    }

    static func name(_ text: String) throws -> ArrivalName {
        guard let name = ArrivalName(text) else { throw MissingPower("'\(text)' is no arrival name") }
        return name
    }

    /// An envelope of `size` bytes that differ from seed to seed.
    func envelope(_ size: Int64, seed: UInt64 = 1, name: ArrivalName? = nil) throws -> SealedEnvelope {
        try PatternSource(size: size, seed: seed).envelope(name ?? self.name())
    }

    /// What a failing delivery threw, checked for what every error must be.
    func failure(
        _ what: String, _ envelope: SealedEnvelope, by carrier: any Carrier, along route: Route
    ) async -> CarrierError? {
        switch await carrier.outcome(envelope, along: route) {
        case .success(let receipt):
            fail("\(what): it returned a receipt (\(receipt.strength)) in place of an error")
            return nil
        case .failure(let error):
            check(error)
            return error
        }
    }

    /// What every error must be: one line, that says something.
    func check(_ error: any ExplainedError) {
        let text = error.description
        expect(!error.explanation.isEmpty, "an error explains nothing")
        expect(!text.contains("\n") && !text.contains("\r"), "an error is longer than a line: '\(text)'")
        expect(!text.hasSuffix("."), "an error ends in a full stop: '\(text)'")
    }

    /// Delivers, and checks that everything is as the receipt says.
    @discardableResult
    func deliver(
        _ envelope: SealedEnvelope, by carrier: any Carrier, to farSide: any FarSide,
        reporting progress: ProgressSink = .none
    ) async throws -> DeliveryReceipt {
        let receipt = try await carrier.deliver(envelope, along: farSide.route, reporting: progress)
        let name = receipt.storedName ?? envelope.name.text
        let object = try await farSide.object(named: name)
        expect(receipt.route == farSide.route, "the receipt names another route, \(receipt.route)")
        expect(receipt.strength <= carrier.traits.strongestReceipt, "the receipt is stronger than the traits promise")
        expect(object?.size == envelope.size, "'\(name)' has \(object?.size ?? -1) bytes, not \(envelope.size)")
        expect(object?.digest == envelope.digest, "'\(name)' has other bytes than were sent")
        expect(receipt.farDigest ?? envelope.digest == envelope.digest, "the receipt has another digest")
        expect(
            receipt.strength < .stored || receipt.farDigest != nil || subject.reasonForNoDigest != nil,
            "the receipt says \(receipt.strength) without a digest that the far side computed")
        return receipt
    }

    func expectNothingPublished(at farSide: any FarSide, _ when: String) async throws {
        let names = try await farSide.publishedNames()
        expect(names.isEmpty, "\(when): \(names.sorted().joined(separator: ", ")) was published")
    }
}

extension Carrier {
    func outcome(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink = .none
    ) async -> Result<DeliveryReceipt, CarrierError> {
        do throws(CarrierError) {
            return .success(try await deliver(envelope, along: route, reporting: progress))
        } catch {
            return .failure(error)
        }
    }
}

/// Digits that nobody else has.
enum Hexadecimal {
    static func random() -> String {
        let text = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
