internal import HTTPTypes
internal import Synchronization

/// What happened since the start, as Prometheus reads it.
final class Metrics: Sendable {
    private struct Key: Hashable, Comparable {
        let path: String
        let method: String
        let status: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.path, left.method, left.status) < (right.path, right.method, right.status)
        }
    }

    /// Times of one endpoint, in the buckets of a histogram.
    private struct Times {
        var buckets = [Int](repeating: 0, count: Metrics.bounds.count)
        var count = 0
        var sum = 0.0
    }

    private struct State {
        var requests: [Key: Int] = [:]
        var times: [String: Times] = [:]
        var counters: [String: Int] = [:]
    }

    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    private let state = Mutex(State())

    /// Counts one answered request.
    func count(_ path: String, _ method: HTTPRequest.Method, _ status: HTTPResponse.Status, took time: Duration) {
        let seconds = time / .seconds(1)
        state.withLock { state in
            state.requests[Key(path: path, method: method.rawValue, status: status.code), default: 0] += 1
            var times = state.times[path] ?? Times()
            for (index, bound) in Self.bounds.enumerated() where seconds <= bound { times.buckets[index] += 1 }
            times.count += 1
            times.sum += seconds
            state.times[path] = times
        }
    }

    /// Counts something by a name of its own.
    func add(_ name: String, _ count: Int = 1) { state.withLock { $0.counters[name, default: 0] += count } }

    /// The text of `/metrics`: what was counted, and what is measured now.
    func text(gauges: [(name: String, help: String, value: Double)]) -> String {
        let (requests, times, counters) = state.withLock { ($0.requests, $0.times, $0.counters) }
        var text = ""
        func head(_ name: String, _ type: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        }
        head("tibet_hub_requests_total", "counter", "Requests answered.")
        for (key, count) in requests.sorted(by: { $0.key < $1.key }) {
            text += "tibet_hub_requests_total{path=\"\(key.path)\",method=\"\(key.method)\",status=\"\(key.status)\"}"
            text += " \(count)\n"
        }
        head("tibet_hub_request_seconds", "histogram", "Time to answer; waiting that was asked for is part of it.")
        for (path, time) in times.sorted(by: { $0.key < $1.key }) {
            for (bound, count) in zip(Self.bounds, time.buckets) {
                text += "tibet_hub_request_seconds_bucket{path=\"\(path)\",le=\"\(bound)\"} \(count)\n"
            }
            text += "tibet_hub_request_seconds_bucket{path=\"\(path)\",le=\"+Inf\"} \(time.count)\n"
            text += "tibet_hub_request_seconds_sum{path=\"\(path)\"} \(time.sum)\n"
            text += "tibet_hub_request_seconds_count{path=\"\(path)\"} \(time.count)\n"
        }
        for (name, count) in counters.sorted(by: { $0.key < $1.key }) {
            head("tibet_hub_\(name)_total", "counter", "Since the start.")
            text += "tibet_hub_\(name)_total \(count)\n"
        }
        for gauge in gauges {
            head("tibet_hub_" + gauge.name, "gauge", gauge.help)
            text += "tibet_hub_\(gauge.name) \(gauge.value)\n"
        }
        return text
    }
}
