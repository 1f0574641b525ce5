import CarrierConformance
import CarrierMux
import Fabric
import Foundation
import ProgramRunner
import Testing

/// The mux carrier, as sender and as receiver, to our hub behind a relay that can break.
struct MuxSubject: ConformanceSubject {
    let title = "mux"
    let powers: Set<ConformancePower> = [
        .receipts, .probing, .resuming, .receiving, .leases, .falseOffers, .limit, .breakage(.full),
        .breakage(.readOnly), .breakage(.absent), .breakage(.diesMidway), .breakage(.diesBeforeAnswering),
        .breakage(.trickles), .breakage(.slow), .breakage(.neverAnswers), .breakage(.answersGarbage),
        .breakage(.answersLate),
        .breakage(.closesAtOnce), .breakage(.speaksAnother),
    ]
    let excuses = excusing([
        (
            "the far side answers once the envelope is durable, with its digest; it closes no files",
            CaseNames.forgetting
        ),
        ("plain HTTP has no key; certificates are checked against authorities, in TLSTests", CaseNames.keys),
    ])

    private let sender = "sender-" + UUID().uuidString.lowercased()

    func makeCarrier() async throws -> any Carrier { MuxCarrier(configuration: configuration) }

    func makeLimitedCarrier() async throws -> any Carrier {
        var configuration = configuration
        configuration.largestEnvelope = 1_000_000
        return MuxCarrier(configuration: configuration)
    }

    private var configuration: MuxCarrierConfiguration {
        var configuration = MuxCarrierConfiguration()
        configuration.agent = sender
        configuration.waitTime = .seconds(2)
        configuration.stallTime = .seconds(4)
        return configuration
    }

    func makeFarSide() async throws -> any FarSide {
        try MuxFarSide(try await RunningHub(), intent: "continuityd:inbox", sender: sender)
    }
}

extension ConformanceTests {
    @Test("The mux carrier, to our hub", arguments: quickNames)
    func mux(name: String) async throws { try await Self.check(name, over: MuxSubject()) }

    @Test("The mux subject excuses only what exists")
    func muxExcuses() { #expect(ConformanceSuite.strayExcuses(of: MuxSubject()).isEmpty) }
}
