import CarrierConformance
import CarrierHTTP
import Fabric
import Foundation
import Synchronization
import SystemPackage
import Testing

/// The HTTP carrier, to our own inbox behind a relay that can break.
struct HTTPSubject: ConformanceSubject {
    let title = "http"
    let powers: Set<ConformancePower> = [
        .receipts, .probing, .resuming, .breakage(.full), .breakage(.absent), .breakage(.diesMidway),
        .breakage(.diesBeforeAnswering), .breakage(.trickles), .breakage(.slow), .breakage(.neverAnswers),
        .breakage(.answersGarbage), .breakage(.answersLate),
        .breakage(.closesAtOnce), .breakage(.speaksAnother),
    ]
    let excuses = excusing([
        (
            "the far side answers once the envelope is durable, with its digest; it closes no files",
            CaseNames.forgetting
        ),
        ("plain HTTP has no key; certificates are checked against authorities, in TLSTests", CaseNames.keys),
        ("what comes over HTTP comes through the listener, straight into a lane", CaseNames.receiving),
        (
            "an inbox on a disk that takes nothing says no more than 'try later'",
            CaseNames.needing(.breakage(.readOnly))
        ),
        ("the carrier has no limit of its own; the inbox's is in InboxRulesTests", CaseNames.needing(.limit)),
    ])

    func makeCarrier() async throws -> any Carrier {
        var configuration = HTTPCarrierConfiguration()
        configuration.connectTime = .seconds(10)
        configuration.stallTime = .seconds(4)
        return HTTPCarrier(configuration: configuration)
    }

    func makeFarSide() async throws -> any FarSide { try await HTTPFarSide() }
}

/// An inbox behind a relay.
final class HTTPFarSide: FarSide {
    let route: Route

    private let relay: BreakingRelay
    private let directory: DirectoryFarSide
    private let listener: Mutex<HTTPListener>

    init() async throws {
        directory = try DirectoryFarSide { Route(scheme: "local", address: $0) }
        let (listener, port) = try await Self.listen(in: directory.directory, reserve: 0)
        self.listener = Mutex(listener)
        relay = try BreakingRelay(to: port)
        route = Route(scheme: "http", address: "http://127.0.0.1:\(relay.port)")
    }

    private static func listen(in directory: String, reserve: Int64) async throws -> (HTTPListener, Int) {
        var limits = HTTPListenerLimits()
        limits.stopTime = .seconds(1)
        limits.headerTime = .seconds(60)
        let listener = HTTPListener(
            configuration: HTTPListenerConfiguration(port: 0, limits: limits),
            lane: try Lane(existing: FilePath(directory), reserve: reserve))
        return (listener, try await listener.start().port)
    }

    /// Puts another inbox over the same lane in place of the one that is there.
    private func restart(reserve: Int64) async throws {
        let (next, port) = try await Self.listen(in: directory.directory, reserve: reserve)
        let before = listener.withLock { listener in
            defer { listener = next }
            return listener
        }
        relay.retarget(to: port)
        await before.stop()
    }

    func publishedNames() async throws -> [String] { try await directory.publishedNames() }
    func leftovers() async throws -> [String] { try await directory.leftovers() }
    func object(named name: String) async throws -> PublishedObject? { try await directory.object(named: name) }

    func suffer(_ breakage: Breakage) async throws {
        if breakage == .full { try await restart(reserve: .max) } else { relay.suffer(breakage) }
    }

    func mend() async throws {
        relay.suffer(nil)
        try await restart(reserve: 0)
    }

    func close() async {
        relay.close()
        await listener.withLock { $0 }.stop()
    }
}

extension ConformanceTests {
    @Test("The HTTP carrier", arguments: quickNames)
    func http(name: String) async throws { try await Self.check(name, over: HTTPSubject()) }

    @Test("The HTTP subject excuses only what exists")
    func httpExcuses() { #expect(ConformanceSuite.strayExcuses(of: HTTPSubject()).isEmpty) }
}
